#ifndef SIMCUDA_RUNTIME_NEIGHBOURS_H
#define SIMCUDA_RUNTIME_NEIGHBOURS_H

/* What the stand-ins for cuBLAS and NVML ask of the one for the runtime, in whose library the cards live. Cards are
 * named by their place in the rig. */

#ifdef __cplusplus
extern "C" {
#endif

typedef struct simcuda_site simcuda_site;

/* The count of the calls of that function; lives for ever. */
simcuda_site* simcuda_site_of(const char* function);

enum { simcuda_goes_on = 0, simcuda_fails = 1, simcuda_card_lost = 2, simcuda_no_card = 3 };

/* Counts a call on a card and lets its faults happen; with `makes_context` also what a call of the runtime does. */
int simcuda_enter(simcuda_site* site, int card, int makes_context);

int simcuda_current_card(void); /* -1 when none is visible */
/* The card a stream belongs to, -1 when there is no such stream. */
int simcuda_card_of_stream(void* stream);
void simcuda_handle_opened(void);
void simcuda_handle_closed(void);

/* Work on a stream, done when something waits for it; at once where kernels are only counted. The argument is the
 * callee's from then on: `work` is called exactly once with it, with `run` 0 when the work is dropped (a lost card).
 * Returns one of the enum above. */
typedef void (*simcuda_work)(void* argument, int run);
int simcuda_submit(void* stream, simcuda_work work, void* argument);

/* From within such work: the host address of device memory, all of it in one live allocation that the card reaches; NULL
 * when it is not, which has then been reported as a finding of `what`. */
void* simcuda_reach(int card, const void* address, unsigned long long bytes, const char* what);
/* Of memory reached: `rows` rows of `bytes`, `pitch` bytes apart, are read (a finding where any was never written) or
 * written (and so readable from now on), and counted as the card's traffic. */
void simcuda_reads(int card, const void* address, unsigned long long bytes, unsigned long long pitch,
                   unsigned long long rows, const char* what);
void simcuda_writes(int card, const void* address, unsigned long long bytes, unsigned long long pitch,
                    unsigned long long rows);

struct simcuda_card_facts {
    char name[96];
    char uuid[80];
    unsigned pci_domain, pci_bus, pci_device;
    int compute_capability, numa_node, multi_instance, lost;
    int multi_instance_pending, persistence, ecc /* -1: none */, remap, retire /* 1: pending, 2: failed */;
    unsigned long long uncorrected_errors;
    unsigned long long total_bytes, free_bytes, own_bytes, others_bytes;
};

/* The CUDA version up to which there is a driver, 0 where there is none; its name lives for ever. */
int simcuda_driver_version(void);
const char* simcuda_driver_name(void);
/* The `index`-th card in the order of PCI addresses; -1 when there is none. */
int simcuda_card_by_pci_order(int index);
int simcuda_facts_of(int card, struct simcuda_card_facts* facts);

#ifdef __cplusplus
}
#endif

#endif
