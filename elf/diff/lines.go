package diff

import "slices"

// Line is a line of one or both of two texts.
type Line struct {
	Sign byte // ' ' of both, '-' of the first, '+' of the second, '@' for lines that are left out
	Text string
}

const (
	context  = 2        // lines around a change
	maxCells = 4 << 20  // of the table below; longer texts are all change
	allCells = 32 << 20 // of all tables
)

// lines returns what differs between two texts, nothing when they are the same.
func (r *comparer) lines(a, b []string) []Line {
	start := 0
	for start < len(a) && start < len(b) && a[start] == b[start] {
		start++
	}
	end := 0
	for end < len(a)-start && end < len(b)-start && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	if start == len(a) && start == len(b) {
		return nil
	}
	var all []Line
	for _, text := range a[:start] {
		all = append(all, Line{' ', text})
	}
	all = append(all, r.middle(a[start:len(a)-end], b[start:len(b)-end])...)
	for _, text := range a[len(a)-end:] {
		all = append(all, Line{' ', text})
	}
	return around(all)
}

// middle finds the longest common subsequence by the table that every textbook has.
func (r *comparer) middle(a, b []string) []Line {
	var out []Line
	cells := (len(a) + 1) * (len(b) + 1)
	if cells > maxCells || cells > allCells-r.cells {
		for _, text := range a {
			out = append(out, Line{'-', text})
		}
		for _, text := range b {
			out = append(out, Line{'+', text})
		}
		return out
	}
	r.cells += cells
	width := len(b) + 1
	common := make([]int32, cells) // of a[i:] and b[j:]
	for i := range slices.Backward(a) {
		for j := range slices.Backward(b) {
			if a[i] == b[j] {
				common[i*width+j] = common[(i+1)*width+j+1] + 1
			} else {
				common[i*width+j] = max(common[(i+1)*width+j], common[i*width+j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			out = append(out, Line{' ', a[i]})
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[(i+1)*width+j] >= common[i*width+j+1]:
			out = append(out, Line{'-', a[i]})
			i++
		default:
			out = append(out, Line{'+', b[j]})
			j++
		}
	}
	return out
}

// around keeps the changes and a little of what is around each.
func around(all []Line) []Line {
	keep := make([]bool, len(all))
	for i, l := range all {
		if l.Sign == ' ' {
			continue
		}
		for j := max(0, i-context); j <= min(len(all)-1, i+context); j++ {
			keep[j] = true
		}
	}
	var out []Line
	left := false
	for i, l := range all {
		switch {
		case keep[i]:
			out = append(out, l)
			left = false
		case !left:
			out = append(out, Line{Sign: '@'})
			left = true
		}
	}
	return out
}
