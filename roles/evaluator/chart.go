package evaluator

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"finest/eval/compare"
	"finest/eval/stats"
)

// Sizes of the charts in their own units; the page scales them to its width.
const (
	chartWidth, chartHeight     = 760.0, 300.0
	chartLeft, chartRight       = 48.0, 12.0
	chartTop, chartBottom       = 12.0, 40.0
	whiskerWidth, whiskerHeight = 200.0, 20.0
)

// tick is a number at a place of an axis.
type tick struct {
	At   float64
	Text string
}

// curve is the losses of one run.
type curve struct {
	Role   compare.Role
	Title  string
	Dash   string
	Points string
}

// lossChart is the loss curves of all runs.
type lossChart struct {
	Width, Height, Left, Right, Top, Bottom float64
	X, Y                                    []tick
	Curves                                  []curve
}

// dashes tell the runs of an arm apart.
var dashes = []string{"", "7 3", "2 3", "10 3 2 3"}

// losses draws the loss curves; nil where nothing was trained.
func (r *Report) losses() *lossChart {
	least, most, steps := math.Inf(1), math.Inf(-1), 0
	for _, a := range r.Arms {
		for _, run := range a.Runs {
			for _, p := range run.Losses {
				least, most, steps = min(least, p.Loss), max(most, p.Loss), max(steps, p.Step)
			}
		}
	}
	if steps == 0 {
		return nil
	}
	c := &lossChart{Width: chartWidth, Height: chartHeight, Left: chartLeft, Right: chartWidth - chartRight, Top: chartTop, Bottom: chartHeight - chartBottom}
	values := ticks(least, most, 6)
	low, high := min(least, values[0]), max(most, values[len(values)-1])
	if low == high {
		high++
	}
	x := func(step int) float64 { return c.Left + (c.Right-c.Left)*float64(step)/float64(steps) }
	y := func(loss float64) float64 { return c.Bottom - (c.Bottom-c.Top)*(loss-low)/(high-low) }
	for _, v := range values {
		c.Y = append(c.Y, tick{y(v), number(v)})
	}
	for _, v := range ticks(0, float64(steps), 8) {
		if v == math.Trunc(v) && v <= float64(steps) {
			c.X = append(c.X, tick{x(int(v)), number(v)})
		}
	}
	for _, a := range r.Arms {
		for i, run := range a.Runs {
			c.Curves = append(c.Curves, curve{
				Role: a.Role, Title: fmt.Sprintf("%s, run %d of %d", a.Role, i+1, len(a.Runs)), Dash: dashes[i%len(dashes)],
				Points: polyline(run, x, y),
			})
		}
	}
	return c
}

func polyline(run compare.Run, x func(int) float64, y func(float64) float64) string {
	var b strings.Builder
	for _, p := range run.Losses {
		fmt.Fprintf(&b, "%.1f,%.1f ", x(p.Step), y(p.Loss))
	}
	return strings.TrimRight(b.String(), " ")
}

// ticks returns about n round numbers from one at or below low to one at or above
// high.
func ticks(low, high float64, n int) []float64 {
	if !(high > low) {
		high = low + 1
	}
	raw := (high - low) / float64(n)
	step := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 5, 10} {
		if m*step >= raw {
			step *= m
			break
		}
	}
	var out []float64
	first := math.Floor(low/step + 1e-9)
	for i := 0.0; ; i++ {
		v := (first + i) * step
		out = append(out, v)
		if v >= high-1e-9*step {
			return out
		}
	}
}

// number writes an axis label: 0.1 + 0.2 is 0.3.
func number(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }

// whisker is a difference with its bounds, drawn around 0.
type whisker struct {
	Width, Height, Middle, Zero float64
	Low, High, At               float64
	Class, Title                string
}

// reach is how far from 0 a difference may be.
func reach(d stats.Difference) float64 { return max(math.Abs(d.Low), math.Abs(d.High)) }

// newWhisker draws a difference in a table where none reaches farther than most.
// Where less is better negative ones are good.
func newWhisker(d stats.Difference, most float64, lessIsBetter bool) whisker {
	if most == 0 {
		most = 1
	}
	place := func(v float64) float64 { return whiskerWidth/2 + (whiskerWidth/2-6)*v/most }
	class := "same"
	if d.Resolved {
		class = "worse"
		if (d.Delta < 0) == lessIsBetter {
			class = "better"
		}
	}
	return whisker{
		Width: whiskerWidth, Height: whiskerHeight, Middle: whiskerHeight / 2, Zero: place(0),
		Low: place(d.Low), High: place(d.High), At: place(d.Delta), Class: class,
		Title: fmt.Sprintf("%+.4f, 95 %% interval %+.4f to %+.4f", d.Delta, d.Low, d.High),
	}
}

// ruler is the quality of the candidate between naive text, 0, and the
// reference, 1.
type ruler struct {
	Width, Height         float64
	Naive, Reference      float64
	Low, High, At         float64
	OpenBelow, OpenBeyond bool
}

// Quality may be bounded by anything; the ruler shows this much of it.
const rulerLow, rulerHigh = -1.0, 2.0

func (r *Report) ruler() *ruler {
	if r.Quality == nil {
		return nil
	}
	q := r.Quality
	low, high := max(rulerLow, min(-0.2, q.Low-0.1)), min(rulerHigh, max(1.2, q.High+0.1))
	place := func(v float64) float64 {
		return 10 + (chartWidth-20)*(min(max(v, low), high)-low)/(high-low)
	}
	return &ruler{
		Width: chartWidth, Height: 64, Naive: place(0), Reference: place(1),
		Low: place(q.Low), High: place(q.High), At: place(q.Q), OpenBelow: q.Low < low, OpenBeyond: q.High > high,
	}
}
