#ifndef SIMCUDA_H
#define SIMCUDA_H

/* What a test may ask of the simulated cards, and change. Found at run time, so that the same program runs on real cards
 * where it does not find it, for example:
 *
 *     typedef unsigned long long (*count)(void);
 *     count finding_count = (count)dlsym(RTLD_DEFAULT, "simcuda_finding_count");
 *     if (finding_count && finding_count() > 0) ...   // a kernel did what it must not: fail the test
 *
 * No program should link it: it would not start on a machine with a driver. A card is named by its place in the typed
 * rig, from 0, whatever CUDA_VISIBLE_DEVICES hides. Sizes are bytes. Every function is thread-safe. The environment that
 * types rigs, faults and whether kernels compute is described in README.md. */

#ifdef __cplusplus
extern "C" {
#endif

/* Types another rig (the grammar of SIMCUDA_CARDS) and reads CUDA_VISIBLE_DEVICES and CUDA_DEVICE_ORDER again; counts,
 * peaks and faults are forgotten. 1, or 0 when the text is wrong or device memory is still allocated on a card that is
 * not lost: simcuda_message() says which. */
int simcuda_set_cards(const char* cards);

/* Types the faults to come (the grammar of SIMCUDA_FAULTS), counting calls from now; "" for none. Lost cards stay lost.
 * 1, or 0 when the text is wrong. */
int simcuda_set_faults(const char* faults);

/* Why the last of the two above returned 0 on this thread. */
const char* simcuda_message(void);

int simcuda_card_count(void);

/* What this process has allocated on the card, without its context. */
unsigned long long simcuda_current_bytes(int card);
unsigned long long simcuda_peak_bytes(int card);
/* Charged for the context of this process: 0 until there is one. */
unsigned long long simcuda_context_bytes(int card);
unsigned long long simcuda_allocations(int card); /* alive now */
void simcuda_reset_peaks(void);                   /* to what is allocated now, pinned memory included */

/* Calls and launches, failed ones included, and bytes copied, since the start, simcuda_set_cards or
 * simcuda_reset_counts. `card` -1: all, and those that belong to no card. `direction`: "h2d", "d2h" or "d2d", counted
 * on the card that receives (d2h: that sends). */
void simcuda_reset_counts(void);
unsigned long long simcuda_calls(const char* function, int card);
unsigned long long simcuda_launches(int card);
unsigned long long simcuda_bytes_copied(int card, const char* direction);

/* Page-locked host memory: cudaHostAlloc, cudaMallocHost, cudaHostRegister. */
unsigned long long simcuda_pinned_bytes(void);
unsigned long long simcuda_pinned_peak_bytes(void);

/* Streams, events and cuBLAS handles that are created and not destroyed. */
unsigned long long simcuda_open_objects(void);

/* Another process takes memory of the card, as far as there is any free, or gives back what it holds. Return what was
 * taken or given. */
unsigned long long simcuda_take(int card, unsigned long long bytes);
unsigned long long simcuda_give(int card, unsigned long long bytes);

/* 1 when kernels compute; 0 when they are counted and do nothing (SIMCUDA_KERNELS). */
int simcuda_computes(void);

/* Global memory that kernels and matrix products asked for on the card, in bytes, since counts were reset; -1: all
 * cards. 0 where kernels do not compute. */
unsigned long long simcuda_bytes_loaded(int card);
unsigned long long simcuda_bytes_stored(int card);

/* What kernels did that they must not, oldest first: how often, the text of one (lives until they are cleared; null when
 * there is no such one), and forgetting them. simcuda_set_cards forgets them too. */
unsigned long long simcuda_finding_count(void);
const char* simcuda_finding(unsigned long long index);
void simcuda_clear_findings(void);

/* Runs everything that was submitted to any stream and has not run yet. */
void simcuda_finish_all(void);

#ifdef __cplusplus
}
#endif

#endif
