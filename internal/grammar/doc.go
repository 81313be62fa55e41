// Package grammar describes keyword commands as a tree, and walks it to
// parse, explain, complete and document.
//
// A command package builds a tree of [Node] values over a fresh request
// struct; parsing a line fills that struct and does nothing else. The same
// tree yields the synopsis, the help text, man pages, the command reference
// and shell completion, so none of them can disagree with the parser.
//
// # How a word finds its node
//
// The walk never goes back. At each word it looks at what may stand there,
// the innermost group first, and takes
//
//  1. the first keyword that equals the word,
//  2. else the first keyword of which the word is a prefix (iproute2's rule:
//     the first in the table wins, the empty string never matches),
//  3. else the first value that takes the word.
//
// So a value never swallows a keyword that may stand in the same place; where
// only a value may stand, it takes any word. Step 1 is the one departure from
// iproute2, which has no such step: it can only matter where an earlier
// keyword begins with the whole of a later one, and there iproute2 makes the
// later one unreachable, so no line of ip or tc changes its meaning.
//
// Children of [Any] may be given in any order. A group inside one of them may
// be taken up again after another child: in "obj FILE da sec NAME" the word
// sec still belongs to obj. Words of the enclosing group go first, so that
// every line that tc reads keeps the meaning that tc gives it.
//
// A tree serves one parse: its setters point into one request.
package grammar
