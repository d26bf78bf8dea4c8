// Package conformance holds PyTorch to the native trainer: the contract of
// trainers, and one run of the tier quick by both, which must come to the same
// bits per byte. Its tests run with make conformance-torch.
package conformance
