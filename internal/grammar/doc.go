// Package grammar describes keyword commands as a tree, and walks it to
// parse, explain, complete and document.
//
// A command package builds a tree of [Node] values over a fresh request
// struct; parsing a line fills that struct and does nothing else. The same
// tree yields the synopsis, the help text, man pages, the command reference
// and shell completion, so none of them can disagree with the parser.
//
// # The walk
//
// A parse keeps a stack of frames, one for each node that has begun and may go
// on, the innermost last; at first there is the root. The frame of a sequence
// ([Word], [Seq], [Opt]) knows which child comes next, that of an [Any] which
// children have been read. An [Alt] has no more to offer once a child is chosen.
//
// For each word, a scan from the innermost frame outwards lists the leaves
// (keywords and values) that may come next. In a sequence they are those that
// the next child may begin with and, as long as children may be left out, those
// of the children after it; in an Any, those of each child that is unread or
// may repeat. The scan leaves a frame for the one around it only if nothing
// mandatory is missing in there. The word picks one of the leaves. Then the frames
// inside the one that offered the leaf are dropped, the nodes on the way to
// the leaf are pushed, and the leaf's setter is called.
//
// So each word is looked at once, and the walk never goes back: an optional
// part is entered by a word that it offers, and skipped by a word that something
// after it offers. When the words end, the line is complete if no frame misses anything
// mandatory; then the checks of the nodes that were read are called.
//
// # How a word finds its node
//
// Of the leaves that may come next, the innermost first, a word takes
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
// later one unreachable, so no line of ip or tc changes its meaning. A keyword
// of an Any that may not come again hides its namesakes further out: a word
// given twice is an error, and not another group's option.
//
// Children of [Any] may be given in any order. A group inside one of them may
// be taken up again after another child: in "obj FILE da sec NAME" the word
// sec still belongs to obj. For that an Any keeps what its children left open
// as tails, and a scan looks for keywords in them after its own children. So words of
// the enclosing group go first, and every line that tc reads keeps the meaning
// that tc gives it.
//
// # What else comes from the tree
//
// The scan answers every question about a place in a line. What it lists is
// what a message says was expected, what help within a line shows, and what
// completion offers; a suggestion is the keyword on the list that the word looks like.
// Completion takes the words before the cursor as a parse does, and ignores
// the errors of setters.
//
// Documents do not follow a line: they visit every node that is not hidden.
// Each kind of node has its notation: "[ x ]" for [Opt], "{ x | y }" for [Alt],
// its children one by one, in brackets unless required, for [Any]. A node that is
// [Node.Named] appears by its name, and is defined below. The texts of [Node.Help]
// are listed beside the words that they explain. The help of a command, its
// manual page and the command reference are that synopsis and that list, and differ
// in their layout only.
//
// Two things are not part of a tree. A [Table] finds the command by its first
// words, shortened by the same rule, and then builds the command's tree. The options
// that any command may have are a list of [Option], by that rule too: a word with a dash
// is one of them where it is neither a keyword nor the value of one.
//
// A tree serves one parse: its setters point into one request.
package grammar
