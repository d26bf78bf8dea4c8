package lm

import (
	"math"
)

// twin is the model again: in float64, one number at a time, straight from the
// equations in the package's description.
type twin struct {
	c Config
	w map[string][]float64
}

func newTwin(c Config, tensors []Tensor) *twin {
	t := &twin{c: c, w: map[string][]float64{}}
	for _, tensor := range tensors {
		data := make([]float64, len(tensor.Data))
		for i, v := range tensor.Data {
			data[i] = float64(v)
		}
		t.w[tensor.Name] = data
	}
	if c.Tied {
		t.w["head"] = t.w["embedding"]
	}
	return t
}

func rms(x []float64) []float64 {
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = v / math.Sqrt(sum/float64(len(x))+1e-6)
	}
	return y
}

// apply multiplies W, rows × len(x), with x.
func apply(w, x []float64) []float64 {
	y := make([]float64, len(w)/len(x))
	for i := range y {
		for j, v := range x {
			y[i] += w[i*len(x)+j] * v
		}
	}
	return y
}

func (t *twin) turn(x []float64, position int) []float64 {
	half := len(x) / 2
	y := make([]float64, len(x))
	for j := range half {
		sin, cos := math.Sincos(float64(position) * math.Pow(10000, -float64(j)/float64(half)))
		y[j] = x[j]*cos - x[j+half]*sin
		y[j+half] = x[j]*sin + x[j+half]*cos
	}
	return y
}

func add(x, y []float64) {
	for i := range x {
		x[i] += y[i]
	}
}

// logits are those after each token.
func (t *twin) logits(tokens []uint16) [][]float64 {
	dim := t.c.Dim
	x := make([][]float64, len(tokens))
	for i, token := range tokens {
		x[i] = rms(t.w["embedding"][int(token)*dim:][:dim])
	}
	for l := range t.c.Layers {
		t.attention(l, x)
		for i := range x {
			hidden := apply(t.w[layerName(l, "up")], rms(x[i]))
			for j, v := range hidden {
				hidden[j] = math.Max(v, 0) * math.Max(v, 0)
			}
			add(x[i], apply(t.w[layerName(l, "down")], hidden))
		}
	}
	out := make([][]float64, len(x))
	for i := range x {
		out[i] = apply(t.w["head"], rms(x[i]))
	}
	return out
}

func (t *twin) attention(l int, x [][]float64) {
	width := t.c.Dim / t.c.Heads
	parts := map[string][][]float64{}
	for _, part := range []string{"query", "key", "value"} {
		for i := range x {
			y := apply(t.w[layerName(l, part)], rms(x[i]))
			for h := 0; h < t.c.Dim && part != "value"; h += width {
				copy(y[h:h+width], t.turn(rms(y[h:h+width]), i))
			}
			parts[part] = append(parts[part], y)
		}
	}
	for i := range x {
		mixed := make([]float64, t.c.Dim)
		for h := 0; h < t.c.Dim; h += width {
			weights, sum := make([]float64, i+1), 0.0
			for j := range weights {
				for d := h; d < h+width; d++ {
					weights[j] += parts["query"][i][d] * parts["key"][j][d] * attentionGain / math.Sqrt(float64(width))
				}
				weights[j] = math.Exp(weights[j])
				sum += weights[j]
			}
			for j, weight := range weights {
				for d := h; d < h+width; d++ {
					mixed[d] += weight / sum * parts["value"][j][d]
				}
			}
		}
		add(x[i], apply(t.w[layerName(l, "output")], mixed))
	}
}

// score is what Native's score of an example should be near.
func (t *twin) score(e Example) Score {
	s := Score{Tokens: len(e.Tokens) - e.From}
	for i, z := range t.logits(e.Tokens[:len(e.Tokens)-1]) {
		if i+1 < e.From {
			continue
		}
		sum, best := 0.0, 0
		for j, v := range z {
			sum += math.Exp(v)
			if v > z[best] {
				best = j
			}
		}
		target := int(e.Tokens[i+1])
		s.NLL += math.Log(sum) - z[target]
		if best == target {
			s.Correct++
		}
	}
	return s
}
