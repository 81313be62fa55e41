package main

import (
	"fmt"
	"image/color"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Sizes on paper: a row, and all around the rows.
const (
	width  = 17 * vg.Centimeter
	height = 0.55 * vg.Centimeter
	around = 2.5 * vg.Centimeter
)

var (
	blue = color.RGBA{R: 0x1f, G: 0x5f, B: 0xa8, A: 0xff}
	grey = color.RGBA{R: 0x99, G: 0x99, B: 0x99, A: 0xff}
	red  = color.RGBA{R: 0xc0, G: 0x3a, B: 0x2b, A: 0xff}
)

// drawRows writes one row for each peer of a case: how many times its time
// xdpload takes, and the goal. Left of 1 xdpload is faster.
func drawRows(rows []row, path string) error {
	p := plot.New()
	p.Title.Text = "Time of xdpload: times the peer's (median of pairs)"
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, marks{}
	p.X.Min, p.X.Max = limits(rows)
	p.X.Label.Text = "faster  ←  1  →  slower"
	names := make([]string, len(rows))
	var walls, cpus, goals plotter.XYs
	for i, r := range rows {
		y := float64(len(rows) - 1 - i)
		names[len(rows)-1-i] = r.name + " / " + r.peer
		walls = append(walls, plotter.XY{X: r.wall, Y: y})
		cpus = append(cpus, plotter.XY{X: r.cpu, Y: y})
		if r.goal != nil {
			goals = append(goals, plotter.XY{X: r.goal.Limit, Y: y})
		}
	}
	p.NominalY(names...)
	same, err := plotter.NewLine(plotter.XYs{{X: 1, Y: -0.5}, {X: 1, Y: float64(len(rows)) - 0.5}})
	if err != nil {
		return err
	}
	same.Color = grey
	p.Add(same)
	for _, s := range []struct {
		name   string
		points plotter.XYs
		glyph  draw.GlyphStyle
	}{
		{"goal", goals, draw.GlyphStyle{Color: red, Radius: vg.Points(4), Shape: draw.PlusGlyph{}}},
		{"CPU time", cpus, draw.GlyphStyle{Color: grey, Radius: vg.Points(3), Shape: draw.RingGlyph{}}},
		{"wall time", walls, draw.GlyphStyle{Color: blue, Radius: vg.Points(3.5), Shape: draw.CircleGlyph{}}},
	} {
		if len(s.points) == 0 {
			continue
		}
		scatter, err := plotter.NewScatter(s.points)
		if err != nil {
			return err
		}
		scatter.GlyphStyle = s.glyph
		p.Add(scatter)
		p.Legend.Add(s.name, scatter)
	}
	p.Legend.Padding = vg.Millimeter // at the bottom on the right, where no peer is so much faster
	return p.Save(width, around+height*vg.Length(len(rows)), path)
}

// steps are the marks of the axis.
var steps = []float64{0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20}

// marks puts them on it.
type marks struct{}

// Ticks returns the marks between two values.
func (marks) Ticks(least, most float64) (out []plot.Tick) {
	for _, x := range steps {
		if x >= least && x <= most {
			out = append(out, plot.Tick{Value: x, Label: fmt.Sprint(x)})
		}
	}
	return out
}

// limits are the marks around all values.
func limits(rows []row) (least, most float64) {
	least, most = 0.5, 2
	for _, r := range rows {
		least, most = min(least, r.wall, r.cpu), max(most, r.wall, r.cpu)
		if r.goal != nil {
			least = min(least, r.goal.Limit)
		}
	}
	below, _ := slices.BinarySearch(steps, least)
	above, _ := slices.BinarySearch(steps, most)
	return steps[max(below-1, 0)], steps[min(above, len(steps)-1)]
}
