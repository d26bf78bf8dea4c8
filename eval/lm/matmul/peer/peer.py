"""Multiplies matrices with numpy, as the lines on standard input say.

A line is "m n k a b calls"; a and b are t where the matrix lies transposed. The
answer is a line with the seconds of each call. The first line of the output names
the library.
"""

import sys
import time

import numpy
import threadpoolctl


def library():
    for pool in threadpoolctl.threadpool_info():
        if pool["user_api"] == "blas":
            return "{internal_api} {version}, kernel {architecture}, {num_threads} thread(s)".format(**pool)
    return "no BLAS"


def matrix(rows, columns, transposed):
    if transposed == "t":
        return numpy.random.standard_normal((columns, rows)).astype(numpy.float32).T
    return numpy.random.standard_normal((rows, columns)).astype(numpy.float32)


def main():
    threadpoolctl.threadpool_limits(1)
    print("numpy", numpy.__version__ + ",", library(), flush=True)
    for line in sys.stdin:
        m, n, k, a, b, calls = line.split()
        m, n, k = int(m), int(n), int(k)
        left, right = matrix(m, k, a), matrix(k, n, b)
        out = numpy.empty((m, n), numpy.float32)
        seconds = []
        for _ in range(int(calls)):
            start = time.perf_counter()
            numpy.matmul(left, right, out=out)
            seconds.append(time.perf_counter() - start)
        print(*seconds, flush=True)


main()
