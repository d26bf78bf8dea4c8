// Package torch trains the models of package lm with PyTorch: a program of its
// own, for machines with a GPU, where the native trainer would take weeks.
//
// The program is trainer.py, which is part of this one and is written out for
// every run. Go draws the weights to start from, packs the tokens and reads the
// scores, so that a program which trains decides nothing but the model.
//
// # Protocol
//
// The command of Options is started with the path of trainer.py behind its
// arguments, and behind that --device, --dtype and --mode where Options names
// them. With --probe it prints its hello line and ends. Otherwise it reads one
// line from standard input, the job:
//
//	{"protocol": 1, "spec": {…}, "steps": 586, "folder": "/…/run-1",
//	 "tensors": [{"name": "embedding", "shape": [2048, 128]}, …],
//	 "shards": [{"file": "tokens-00000.u16", "steps": 586}, …], "examples": 1204}
//
// spec is an lm.Spec. Standard input stays open: its end means that whoever asked
// is gone, and the program stops. Files lie in the folder, little endian:
//
//	init.f32          the initial weights of all tensors, one after another
//	tokens-*.u16      the sequences of every step, spec.batch × (context + 1)
//	                  tokens a step; shards follow one another
//	examples.u16      the tokens of all examples, one after another
//	examples.u32      two numbers an example: its tokens, and the first predicted
//	scores.bin        written by the program: for each example the sum of −ln p
//	                  as float64 and the number of right tokens as uint32
//
// It answers with lines of JSON on standard output, and nothing else there:
//
//	{"type": "hello", "protocol": 1, "torch": "2.6.0", "device": "cpu", "dtype": "float32", "mode": "eager"}
//	{"type": "step", "step": 1, "loss": 7.62}     every step, in order, from 1
//	{"type": "scored", "example": 512}            how many are scored so far
//	{"type": "done", "train_seconds": 61.2, "eval_seconds": 4.1}
//
// Instead of done comes {"type": "diverged", "step": 17} when a loss is not
// finite, or {"type": "error", "message": "…"}. A line has at most 64 KiB, and one
// comes at least every few minutes; what the program writes to standard error is
// shown only if it fails.
package torch
