"""Stock Faiss at true size: the newest GPU wheel, unmodified, on simulated cards of CUDA 12.

    python3 stock_faiss_wheel.py [--build-dir DIR]

Loads FlashRAG's wiki index (a sparse file of 64.6 GB, no RAM) as its users do, and IVF indexes of 200,000 x 64, and
checks what is allocated. Fetches the wheel and NVIDIA's headers for CUDA 12 from PyPI once, into
${XDG_CACHE_HOME:-~/.cache}/gpushard.
Exit status: 0 as expected, 1 not, 77 nothing could be checked here.
"""

import argparse
import ctypes
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

FAISS = "faiss-gpu-cu12==1.14.1.post1"
HEADERS = "nvidia-cuda-runtime-cu12==12.9.79"
OTHERS = ["numpy>=2,<3", "packaging"]
SKIPPED = 77

GIB = 1 << 30
COUNT = 21_015_324
DIM = 768
HEADER_BYTES = 45
F32 = 4 * COUNT * DIM
F16 = 2 * COUNT * DIM
STACK = 1536 << 20


def rounded(size):
    return (size + 255) // 256 * 256


NORMS = rounded(4 * COUNT)
SHARD_ROWS = COUNT // 4
SHARD_HELD = 2 * SHARD_ROWS * DIM + rounded(4 * SHARD_ROWS) + STACK
PAGES = -(-SHARD_ROWS // 32_768)


class Nothing(Exception):
    """Why nothing can be checked on this machine."""


# What is loaded where, and what must come of it. The wheel has machine code for 7.x and 8.x only.
CASES = {
    "one card of 74.5 GiB, float16": {
        "cards": "74.5GiB:sm=80",
        "float16": True,
        "fails": ["type TemporaryMemoryOverflow dev 0 space Device", f"size {F16} bytes", "out of memory"],
        "peak": [STACK + F32],
        "held": [STACK],
    },
    "one card of 200 GiB, float16": {
        "cards": "200GiB:sm=80",
        "float16": True,
        "peak": [4 * F16 + STACK],
        "held": [F16 + NORMS + STACK],
    },
    "one card of 74.5 GiB, float32": {
        "cards": "74.5GiB:sm=80",
        "float16": False,
        "peak": [F32 + NORMS + STACK],
        "held": [F32 + NORMS + STACK],
    },
    "four cards of 40 GiB, float16": {
        "cards": "4x40GiB:sm=80",
        "float16": True,
        "peak": [SHARD_HELD + 4 * (PAGES - 1) * 32_768] * 4,
        "held": [SHARD_HELD] * 4,
        "mallocs": [PAGES + 2] * 4,
        "copied": [(4 * SHARD_ROWS * DIM, 2 * SHARD_ROWS * DIM)] * 4,
    },
    "cards with 60, 20, 3 and 10 GiB free, float16": {
        "cards": "80GiB:used=20GiB:sm=80,24GiB:used=4GiB:sm=80,24GiB:used=21GiB:sm=80,11GiB:used=1GiB:sm=80",
        "float16": True,
        "fails": ["type FlatData dev 2 space Device", f"size {2 * SHARD_ROWS * DIM} bytes"],
        "held": [SHARD_HELD, SHARD_HELD, STACK, 0],
    },
}

# Indexes of inverted lists: vectors lie in groups of so many in a list, and the whole index takes about so many times
# its codes and ids (more where lists are short: their last group is padded).
IVF_CASES = {
    "IVF256,Flat": {"group": 32, "ratio": 1.02},
    "IVF256,SQ8": {"group": 32, "ratio": 1.02},
    "IVF256,PQ16np": {"group": 1, "ratio": 1.06},
    "IVF4096,Flat": {"group": 32, "ratio": 1.46},
}
IVF_COUNT = 200_000
IVF_DIM = 64


def run(command, **options):
    """Runs a command quietly; CalledProcessError carries what it printed."""
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)


def cache_folder():
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "gpushard"


def fetch_packages():
    """The folder with the packages, whole or not at all."""
    python = f"cp{sys.version_info.major}{sys.version_info.minor}"
    site = cache_folder() / f"{FAISS.replace('==', '-')}-{python}"
    if site.exists():
        return site
    site.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=site.parent) as work:
        target = pathlib.Path(work) / "site"
        # No dependencies: the wheel asks for the real CUDA libraries, which the stand-ins replace.
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--only-binary=:all:", "--target", str(target)]
        try:
            run([*pip, "--no-deps", FAISS, HEADERS, *OTHERS])
        except (OSError, subprocess.CalledProcessError) as error:
            raise Nothing(f"{FAISS} cannot be had from PyPI: {last_line(error)}") from error
        try:
            target.rename(site)
        except OSError:
            if not site.exists():
                raise
    return site


def last_line(error):
    lines = (getattr(error, "output", None) or str(error)).strip().splitlines()
    return lines[-1] if lines else type(error).__name__


def build_stand_ins(site, build):
    """The stand-ins with the names and layouts of CUDA 12, in the folder `build`."""
    if not shutil.which("cmake"):
        raise Nothing("cmake is not on the PATH")
    source = pathlib.Path(__file__).resolve().parent
    headers = site / "nvidia" / "cuda_runtime" / "include"
    run(["cmake", "-S", str(source), "-B", str(build), "-DSIMCUDA_CUDA_MAJOR=12", f"-DSIMCUDA_INCLUDE_DIRS={headers}"])
    run(["cmake", "--build", str(build), "--parallel", str(os.cpu_count())])


def write_index(path):
    """A flat inner product index of zero vectors: its header, and a hole."""
    header = b"IxFI"
    header += DIM.to_bytes(4, "little") + COUNT.to_bytes(8, "little")
    header += 2 * (1 << 20).to_bytes(8, "little")  # two fields that Faiss no longer reads
    header += (1).to_bytes(1, "little") + (0).to_bytes(4, "little")  # trained; inner product
    header += (COUNT * DIM).to_bytes(8, "little")
    assert len(header) == HEADER_BYTES
    with open(path, "wb") as file:
        file.write(header)
        file.truncate(HEADER_BYTES + F32)


def counters():
    simcuda = ctypes.CDLL("libcudart.so.12")
    for name in ("current_bytes", "peak_bytes", "calls", "bytes_copied"):
        getattr(simcuda, f"simcuda_{name}").restype = ctypes.c_ulonglong
    return simcuda


def load(path, float16):
    """Runs in a process of its own: loads the index on all cards and prints what happened as JSON."""
    import faiss

    simcuda = counters()
    index = faiss.read_index(path, faiss.IO_FLAG_MMAP_IFC)
    options = faiss.GpuMultipleClonerOptions()
    options.useFloat16 = float16
    options.shard = True
    cards = range(simcuda.simcuda_card_count())
    resources = [faiss.StandardGpuResources() for _ in cards]
    message = ""
    on_cards = None
    try:
        on_cards = faiss.index_cpu_to_gpu_multiple_py(resources, index, options)
    except RuntimeError as error:
        message = str(error)
    outcome = {
        "version": faiss.__version__,
        "message": message,
        "peak": [simcuda.simcuda_peak_bytes(card) for card in cards],
        "held": [simcuda.simcuda_current_bytes(card) for card in cards],
        "mallocs": [simcuda.simcuda_calls(b"cudaMalloc", card) for card in cards],
        "copied": [
            [simcuda.simcuda_bytes_copied(card, direction) for direction in (b"h2d", b"d2d")] for card in cards
        ],
    }
    print(json.dumps(outcome), flush=True)
    del on_cards
    # What the cloner leaked may not outlive the libraries it needs.
    os._exit(0)


def load_lists(key):
    """Runs in a process of its own: what an IVF index takes on a card, empty and full, beside the sizes of its lists."""
    import faiss
    import numpy

    vectors = numpy.random.default_rng(1).standard_normal((IVF_COUNT, IVF_DIM), dtype=numpy.float32)
    index = faiss.index_factory(IVF_DIM, key)
    clusterings = [index.cp] + ([index.pq.cp] if hasattr(index, "pq") else [])
    for clustering in clusterings:
        clustering.niter = 2
        clustering.min_points_per_centroid = 1
    index.train(vectors[:20_000])
    resources = faiss.StandardGpuResources()
    simcuda = counters()

    def taken():
        bytes_before, calls_before = simcuda.simcuda_current_bytes(0), simcuda.simcuda_calls(b"cudaMalloc", 0)
        on_card = faiss.index_cpu_to_gpu(resources, 0, index)
        result = simcuda.simcuda_current_bytes(0) - bytes_before, simcuda.simcuda_calls(b"cudaMalloc", 0) - calls_before
        del on_card
        return result

    taken()  # what a first index of its kind leaves behind
    empty = taken()
    index.add(vectors)
    full = taken()
    lists = [index.invlists.list_size(number) for number in range(index.nlist)]
    outcome = {"version": faiss.__version__, "empty": empty, "full": full, "lists": lists, "code": index.code_size}
    print(json.dumps(outcome), flush=True)
    os._exit(0)


def run_child(arguments, cards, site, stand_ins):
    environment = dict(
        os.environ,
        PYTHONPATH=str(site),
        LD_LIBRARY_PATH=str(stand_ins),
        SIMCUDA_CARDS=cards,
        SIMCUDA_KERNELS="count",
        SIMCUDA_FAULTS="",
        OMP_WAIT_POLICY="passive",
        _FAISS_WHEEL_DISABLE_CUDA_PRELOAD="1",
    )
    environment.pop("CUDA_VISIBLE_DEVICES", None)
    printed = run([sys.executable, __file__, *arguments], env=environment).stdout
    return json.loads(printed.strip().splitlines()[-1])


def differences(case, outcome):
    """What did not come out as the case has it, a line each."""
    found = []
    if bool(case.get("fails")) != bool(outcome["message"]):
        found.append(f"message: {outcome['message'] or 'none'}")
    found += [f"message without \"{part}\": {outcome['message']}" for part in case.get("fails", []) if part not in outcome["message"]]
    for key in ("peak", "held", "mallocs", "copied"):
        expected = [list(value) if isinstance(value, tuple) else value for value in case.get(key, outcome[key])]
        if expected != outcome[key]:
            found.append(f"{key}: {outcome[key]}, expected {expected}")
    return found


def list_differences(case, outcome):
    """As `differences`, for inverted lists: two allocations a list, codes in whole groups, ids as they are."""
    found = []
    lists, code, group = outcome["lists"], outcome["code"], case["group"]
    added = [full - empty for full, empty in zip(outcome["full"], outcome["empty"])]
    expected = [sum(rounded(-(-size // group) * group * code) + rounded(8 * size) for size in lists), 2 * len(lists)]
    if added != expected:
        found.append(f"bytes and cudaMallocs of the lists: {added}, expected {expected}")
    # How evenly the lists are filled depends on the training.
    if abs(list_ratio(outcome) / case["ratio"] - 1) > 0.04:
        found.append(f"{list_ratio(outcome):.3f} of codes and ids, expected about {case['ratio']}")
    return found


def list_ratio(outcome):
    return outcome["full"][0] / (IVF_COUNT * (outcome["code"] + 8))


def report(found, outcome, text):
    print(f"{'FAILED' if found else 'ok    '} Faiss {outcome['version']}, {text}")
    for line in found:
        print(f"       {line}")


def check(stand_ins):
    site = fetch_packages()
    build_stand_ins(site, stand_ins)
    failures = 0
    for key, case in IVF_CASES.items():
        outcome = run_child(["--lists", key], "80GiB:sm=80", site, stand_ins)
        found = list_differences(case, outcome)
        failures += bool(found)
        report(found, outcome, f"{key} of {IVF_COUNT:,} x {IVF_DIM}: {list_ratio(outcome):.3f} x (codes + ids)")
    with tempfile.TemporaryDirectory(dir=cache_folder()) as work:
        index = pathlib.Path(work) / "e5_Flat.index"
        write_index(index)
        for name, case in CASES.items():
            precision = "--float16" if case["float16"] else "--float32"
            outcome = run_child(["--load", str(index), precision], case["cards"], site, stand_ins)
            found = differences(case, outcome)
            failures += bool(found)
            figures = ", ".join(f"{size / 1e9:.2f}" for size in outcome["peak"])
            message = f"; {outcome['message'].splitlines()[-1]}" if outcome["message"] else ""
            report(found, outcome, f"{name}: peak {figures} GB{message}")
    return 1 if failures else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build-dir", type=pathlib.Path, default=cache_folder() / "simcuda-12", help="of the stand-ins")
    parser.add_argument("--load", help=argparse.SUPPRESS)
    parser.add_argument("--lists", help=argparse.SUPPRESS)
    parser.add_argument("--float16", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--float32", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.load:
        load(arguments.load, arguments.float16)
    if arguments.lists:
        load_lists(arguments.lists)
    try:
        return check(arguments.build_dir)
    except Nothing as reason:
        print(f"skipped: {reason}")
        return SKIPPED
    except subprocess.CalledProcessError as error:
        print(f"{' '.join(map(str, error.cmd))}\n{error.output}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
