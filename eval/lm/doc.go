// Package lm trains small language models and measures how well they predict
// given texts.
//
// A run is a function of its Spec, its Data and its kernel class alone: the same
// bits for any number of processors. Backends implement Trainer: Native, in
// this package, and package torch, which runs a program of its own.
//
// # Model
//
// Sizes are those of Config: V = Vocab, D = Dim, L = Layers, H = Hidden,
// T = Context, d = D/Heads the width of a head. Vectors are columns. A matrix of
// Init's with shape [rows, cols] is W of y = W·x with rows outputs. For the
// tokens t₀ … t₍ₙ₋₁₎ of a sequence, n ≤ T:
//
//	n(x)   = x / √(mean(x²) + 1e-6)                      RMSNorm, no gain
//	xᵢ     = n(embedding[tᵢ])
//	for each layer:
//	  h    = n(xᵢ)
//	  qᵢ   = R(i)·n(query·h)     per head                head m is rows m·d … (m+1)·d−1
//	  kᵢ   = R(i)·n(key·h)       per head
//	  vᵢ   = value·h
//	  aᵢ   = Σⱼ softmaxⱼ(qᵢ·kⱼ/√d)·vⱼ,  j = 0 … i        per head, heads joined
//	  xᵢ  += output·aᵢ
//	  xᵢ  += down·(max(up·n(xᵢ), 0))²
//	logits = head·n(xᵢ)
//
// and the softmax of the logits predicts t₍ᵢ₊₁₎. Where the model is tied, head is
// the embedding. R(i) turns the pair (x[j], x[j+d/2]) by the angle
// i·10000^(−2j/d), j = 0 … d/2−1: (a, b) ↦ (a·cos − b·sin, a·sin + b·cos).
// The root mean squares of queries and keys are over a head's d numbers and
// come before the rotation.
//
// # Start
//
// Init draws each tensor from Spec.Seed.Sub("init/" + its name): the numbers
// √3·σ·(2u − 1) for u = Stream.Unit, row by row. σ is 0.02 for the embedding and
// 1/√cols for query, key, value and up. Output, down and an own head are 0.
//
// # Training
//
// The loss is the mean of −ln p over the Batch·T tokens of a step. Rates are
// MuonRate and AdamRate times the trapezoid of Spec at (step + ½)/steps, step
// from 0: min(1, at/WarmUp, (1 − at)/Decay).
//
// The matrices of the layers, each by itself, are updated by Muon:
//
//	m ← 0.95·m + g
//	X ← g + 0.95·m;  X ← X/(‖X‖ + 1e-7)                   Frobenius norm
//	five times: A = X·Xᵀ,  X ← 3.4445·X + (−4.7750·A + 2.0315·A²)·X
//	W ← W − rate·√max(1, rows/cols)·X
//
// where rows > cols, A = Xᵀ·X is multiplied from the right. Everything else is
// updated by Adam, β = 0.9 and 0.95, ε = 1e-8 beside the root of the corrected
// second moment, without weight decay:
//
//	m ← 0.9·m + 0.1·g,  v ← 0.95·v + 0.05·g²
//	W ← W − rate·m/(1 − 0.9ⁿ) / (√(v/(1 − 0.95ⁿ)) + ε)    n = step + 1
//
// There is no gradient clipping. Muon: Jordan et al., 2024,
// github.com/KellerJordan/Muon; Adam: Kingma and Ba, arXiv 1412.6980; ReLU²:
// So et al., arXiv 2109.08668; norm of queries and keys: Henry et al., arXiv
// 2010.04245; zero-initialised projections and an own head: as in
// github.com/KellerJordan/modded-nanogpt; trapezoid: Hägele et al., arXiv
// 2405.18392.
package lm
