// Command peer multiplies matrices with this project's kernels and with the BLAS
// that numpy brings, both on one thread, in turns, and prints how fast they are.
//
// A rate is that of the fastest call: what others do on the machine makes calls
// slower, never faster.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"

	"finest/eval/lm/matmul"
)

func main() {
	python := flag.String("python", "python3", "`PYTHON` with what requirements.txt lists")
	script := flag.String("script", "eval/lm/matmul/peer/peer.py", "`FILE` that runs numpy")
	rounds := flag.Int("rounds", 10, "`NUMBER` of rounds")
	flag.Parse()
	if err := compare(context.Background(), *python, *script, *rounds, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		os.Exit(1)
	}
}

// shape is a product of m × k and k × n numbers; a and b say which lies transposed.
type shape struct {
	m, n, k int
	a, b    bool
	what    string
}

// shapes are the usual cube and the products of a training step of the smallest
// tier's model, 128 wide with 4 heads and 2,048 tokens: two sequences of 128
// positions at once, and 64 positions for head and queries.
var shapes = []shape{
	{512, 512, 512, false, false, "cube"},
	{256, 384, 128, false, true, "queries, keys, values"},
	{256, 128, 384, false, false, "gradient of their input"},
	{384, 128, 256, true, false, "gradient of their weights"},
	{64, 128, 32, false, true, "scores of attention"},
	{64, 32, 128, false, false, "attention"},
	{128, 32, 64, true, false, "gradient of values"},
	{256, 128, 128, false, true, "output of attention"},
	{128, 128, 256, true, false, "gradient of its weights"},
	{256, 512, 128, false, true, "into the MLP"},
	{512, 128, 256, true, false, "gradient of its weights"},
	{256, 128, 512, false, true, "out of the MLP"},
	{128, 512, 256, true, false, "gradient of its weights"},
	{64, 2048, 128, false, true, "head"},
	{64, 128, 2048, false, false, "gradient of its input"},
	{2048, 128, 64, true, false, "gradient of its weights"},
	{128, 128, 512, false, true, "Newton-Schulz"},
	{128, 512, 128, false, false, "Newton-Schulz"},
}

// calls are how many a round has: about 30 ms at 80 GFLOP/s.
func (s shape) calls() int {
	return max(3, int(2.4e9/s.operations()))
}

func (s shape) operations() float64 { return 2 * float64(s.m) * float64(s.n) * float64(s.k) }

func compare(ctx context.Context, python, script string, rounds int, out io.Writer) (err error) {
	other, err := start(ctx, python, script)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, other.close()) }()
	fmt.Fprintf(out, "ours: %s\ntheirs: %s\n%d rounds, fastest call, GFLOP/s\n\n", matmul.Kernel(), other.name, rounds)
	fmt.Fprintf(out, "%-16s %-26s %7s %7s %7s\n", "m×n×k", "", "ours", "theirs", "ratio")
	for _, s := range shapes {
		ours, theirs := time.Duration(1<<62), time.Duration(1<<62)
		for range rounds {
			ours = min(ours, fastest(s))
			t, err := other.fastest(s)
			if err != nil {
				return err
			}
			theirs = min(theirs, t)
		}
		x, y := s.operations()/float64(ours), s.operations()/float64(theirs)
		fmt.Fprintf(out, "%-16s %-26s %7.1f %7.1f %6.0f%%\n",
			fmt.Sprintf("%d×%d×%d", s.m, s.n, s.k), s.what, x, y, 100*x/y)
	}
	return nil
}

// fastest returns the time of the fastest call of a round.
func fastest(s shape) time.Duration {
	r := rand.New(rand.NewPCG(1, 2))
	a, b := random(r, s.m, s.k, s.a), random(r, s.k, s.n, s.b)
	c := matmul.Matrix{Data: make([]float32, s.m*s.n), Stride: s.n}
	var scratch matmul.Scratch
	least := time.Duration(1 << 62)
	for range s.calls() {
		start := time.Now()
		scratch.Multiply(s.m, s.n, s.k, a, b, c, false)
		least = min(least, time.Since(start))
	}
	return least
}

func random(r *rand.Rand, rows, columns int, transposed bool) matmul.Matrix {
	data := make([]float32, rows*columns)
	for i := range data {
		data[i] = float32(r.NormFloat64())
	}
	if transposed {
		return matmul.Matrix{Data: data, Stride: rows, Transposed: true}
	}
	return matmul.Matrix{Data: data, Stride: columns}
}
