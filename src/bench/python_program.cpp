#include "bench/python_program.hpp"

namespace gpushard::bench {

const char* const python_program = R"python(
import os
import sys
import time

# What others print goes to stderr, not among the answers.
answers = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace")
os.dup2(2, 1)
requests = sys.stdin.buffer


def answer(*words):
    answers.write(" ".join(" ".join(map(str, words)).split())[:4000] + "\n")
    answers.flush()


def seconds_per_call(call, at_least):
    total = 0.0
    calls = 0
    while total < at_least or calls == 0:
        start = time.perf_counter()
        call()
        total += time.perf_counter() - start
        calls += 1
    return total / calls


def serve():
    path, k, threads, at_least, warming = sys.argv[1:6]
    k, at_least, warming = int(k), float(at_least), float(warming)
    try:
        import faiss
        import numpy
    except ImportError as error:
        answer("error it cannot import faiss:", error)
        return
    faiss.omp_set_num_threads(int(threads))
    answer("hello", faiss.__version__, getattr(faiss, "get_compile_options", str)())
    index = queries = None
    for line in iter(requests.readline, b""):
        words = line.split()
        cpu = time.process_time()
        if words[0] == b"load":
            count, dim = int(words[1]), int(words[2])
            data = requests.read(4 * count * dim)
            queries = numpy.frombuffer(data, dtype=numpy.float32).reshape(count, dim)
            index = faiss.read_index(path)
            answer("loaded")
        elif words[0] == b"search":
            batch = numpy.resize(queries, (int(words[1]), queries.shape[1]))
            seconds_per_call(lambda: index.search(batch, k), warming)
            seconds = seconds_per_call(lambda: index.search(batch, k), at_least)
            answer("took", repr(seconds), repr(time.process_time() - cpu))
        else:
            answer("error it was asked", line)
            return


try:
    serve()
except Exception as error:
    answer("error", type(error).__name__ + ":", error)
)python";

}  // namespace gpushard::bench
