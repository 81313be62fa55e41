package render

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Table is text in columns, two blanks apart. The zero value is ready to use.
type Table struct {
	// Right lists the columns, counted from 0, that are set flush right.
	Right []int

	rows [][]string
}

// Row adds a line. Rows may differ in length; tabs and newlines in a cell
// become blanks.
func (t *Table) Row(cells ...string) {
	clean := strings.NewReplacer("\t", " ", "\n", " ")
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = clean.Replace(c)
	}
	t.rows = append(t.rows, row)
}

// WriteText writes the rows, without blanks at the end of lines.
func (t *Table) WriteText(b *Text, _ Options) {
	widths := t.widths()
	for _, row := range t.rows {
		var line strings.Builder
		for i, c := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c))
			if slices.Contains(t.Right, i) {
				line.WriteString(pad + c + "  ")
			} else {
				line.WriteString(c + pad + "  ")
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}

func (t *Table) widths() []int {
	var widths []int
	for _, row := range t.rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(c))
		}
	}
	return widths
}
