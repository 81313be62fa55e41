package render

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Shell writes words as a POSIX shell reads them again, for a command that a person
// may paste: quoted where they mean something to it, and without anything that a terminal
// would obey ($'\x1b').
func Shell(words ...string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = shellWord(w)
	}
	return strings.Join(quoted, " ")
}

func shellWord(w string) string {
	switch {
	case w != "" && strings.IndexFunc(w, shellMeans) < 0:
		return w
	case utf8.ValidString(w) && strings.IndexFunc(w, unprintable) < 0:
		return "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
	}
	var b strings.Builder
	for _, c := range []byte(w) {
		switch {
		case c == '\'' || c == '\\':
			b.WriteString(`\` + string(rune(c)))
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, `\%03o`, c) // as \x would go on with digits that follow
		default:
			b.WriteByte(c)
		}
	}
	return "$'" + b.String() + "'"
}

func unprintable(r rune) bool { return !strconv.IsPrint(r) }

// shellMeans is generous: what is not known to mean nothing.
func shellMeans(r rune) bool {
	return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune("-_./:,=+@%…", r)
}
