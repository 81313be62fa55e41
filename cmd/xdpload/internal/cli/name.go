package cli

import (
	"os"
	"slices"

	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
)

// named is what a word names: it may be as text and JSON show a name that is no UTF-8 or
// has control characters. A file that is called as the word is written comes first.
func named(kind grammar.Kind, word string) string {
	name := render.Named(word)
	if name == word {
		return word
	}
	if slices.Contains([]grammar.Kind{grammar.File, grammar.Directory, grammar.Pinned, grammar.Netns}, kind) {
		if _, err := os.Lstat(word); err == nil {
			return word
		}
	}
	return name
}
