package lm

import (
	"fmt"
	"math"
	"strings"
)

// Tensor is one named parameter of a model, row by row.
type Tensor struct {
	Name  string
	Shape [2]int
	Data  []float32
}

// weights are the parameters of a model or their gradients: views of one slice,
// in the order of Init. A matrix has one row for each output.
type weights struct {
	all       []float32
	embedding []float32 // Vocab × Dim
	layers    []layerWeights
	head      []float32 // Vocab × Dim; the embedding where tied
}

type layerWeights struct {
	qkv    []float32 // 3·Dim × Dim: queries, keys, values
	output []float32 // Dim × Dim
	up     []float32 // Hidden × Dim
	down   []float32 // Dim × Hidden
}

func newWeights(c Config) weights {
	return c.view(make([]float32, c.Params()))
}

func (c Config) view(all []float32) weights {
	rest := all
	take := func(rows, cols int) []float32 {
		part := rest[: rows*cols : rows*cols]
		rest = rest[rows*cols:]
		return part
	}
	w := weights{all: all, embedding: take(c.Vocab, c.Dim), layers: make([]layerWeights, c.Layers)}
	for i := range w.layers {
		w.layers[i] = layerWeights{
			qkv: take(3*c.Dim, c.Dim), output: take(c.Dim, c.Dim),
			up: take(c.Hidden, c.Dim), down: take(c.Dim, c.Hidden),
		}
	}
	w.head = w.embedding
	if !c.Tied {
		w.head = take(c.Vocab, c.Dim)
	}
	return w
}

// tensors names the parts of w, in order.
func (c Config) tensors(w weights) []Tensor {
	list := []Tensor{{"embedding", [2]int{c.Vocab, c.Dim}, w.embedding}}
	square := c.Dim * c.Dim
	for i, l := range w.layers {
		name := func(part string) string { return fmt.Sprintf("layers.%d.%s", i, part) }
		list = append(list,
			Tensor{name("query"), [2]int{c.Dim, c.Dim}, l.qkv[:square]},
			Tensor{name("key"), [2]int{c.Dim, c.Dim}, l.qkv[square : 2*square]},
			Tensor{name("value"), [2]int{c.Dim, c.Dim}, l.qkv[2*square:]},
			Tensor{name("output"), [2]int{c.Dim, c.Dim}, l.output},
			Tensor{name("up"), [2]int{c.Hidden, c.Dim}, l.up},
			Tensor{name("down"), [2]int{c.Dim, c.Hidden}, l.down},
		)
	}
	if !c.Tied {
		list = append(list, Tensor{"head", [2]int{c.Vocab, c.Dim}, w.head})
	}
	return list
}

// Init returns the initial weights in the order that a model's parameters have
// everywhere. They are uniform numbers, which every machine draws alike; see
// the package's description for their deviations. The spec must be valid.
func (s Spec) Init() []Tensor {
	list := s.Config.tensors(newWeights(s.Config))
	for _, t := range list {
		s.draw(t)
	}
	return list
}

// embeddingDeviation is the standard deviation of the initial embedding.
const embeddingDeviation = 0.02

func (s Spec) draw(t Tensor) {
	var deviation float64
	switch part := partOf(t.Name); part {
	case "output", "down", "head":
		return
	case "embedding":
		deviation = embeddingDeviation
	default:
		deviation = 1 / math.Sqrt(float64(t.Shape[1]))
	}
	stream, reach := s.Seed.Sub("init/"+t.Name).Stream(), math.Sqrt(3)*deviation
	for i := range t.Data {
		t.Data[i] = float32(reach * (2*stream.Unit() - 1))
	}
}

// partOf is the last part of a tensor's name.
func partOf(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }
