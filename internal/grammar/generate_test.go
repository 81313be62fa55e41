package grammar

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// spoken is a word of a generated sentence and the node that it is for.
type spoken struct {
	word string
	leaf *Node
}

// sampleValues are words that the setters of the fixtures accept.
var sampleValues = map[string]string{"CLASSID": "1:2", "H": "0x10", "N": "7", "P": "5", "BYTES": "1500", "STRING": "1,6 0 0 0"}

// generate makes up a sentence of the grammar.
func generate(n *Node, r *rand.Rand) []spoken {
	switch n.op {
	case opWord:
		s := []spoken{{n.names[r.IntN(len(n.names))], n}}
		return append(s, generateAll(n.children, r)...)
	case opValue, opRest:
		word, ok := sampleValues[n.name()]
		if !ok {
			word = "v" + strings.ToLower(n.name())
		}
		return []spoken{{word, n}}
	case opOpt:
		if r.IntN(2) == 0 {
			return nil
		}
		return generateAll(n.children, r)
	case opSeq:
		return generateAll(n.children, r)
	case opAlt:
		return generate(n.children[r.IntN(len(n.children))], r)
	default:
		var given []*Node
		for _, i := range r.Perm(len(n.children)) {
			if c := n.children[i]; c.required || r.IntN(2) == 0 {
				given = append(given, c)
			}
		}
		return generateAll(given, r)
	}
}

func generateAll(nodes []*Node, r *rand.Rand) []spoken {
	var s []spoken
	for _, n := range nodes {
		s = append(s, generate(n, r)...)
		if n.repeat && r.IntN(2) == 0 {
			s = append(s, generate(n, r)...)
		}
	}
	return s
}

// shorten returns a random prefix of the word that iproute2's rule, applied to
// the keywords that may stand there in their order, still reads as its node.
func shorten(w *walk, s spoken, r *rand.Rand) string {
	short := s.word[:1+r.IntN(len(s.word))]
	var first *Node
	w.scan(lister(func(leaf *Node) {
		named := func(name string) bool {
			if short == "-" { // standard input
				return false
			}
			return name == short || !leaf.exact && strings.HasPrefix(name, short)
		}
		if first == nil && leaf.op == opWord && slices.ContainsFunc(leaf.names, named) {
			first = leaf
		}
	}))
	if first != s.leaf {
		return s.word
	}
	return short
}

func fixtureGrammars() map[string]func() *Node {
	return map[string]func() *Node{
		"link set":   func() *Node { return linkSetGrammar(new(linkSetRequest)) },
		"filter add": func() *Node { return filterGrammar(new(filterRequest), false) },
		"filter get": func() *Node { return filterGrammar(new(filterRequest), true) },
		"files": func() *Node {
			var files []string
			var sum bool
			return Seq(Value("FILE", Append(&files)).Repeat(), Flag("sum", &sum).Exact().Repeat(), Word("to"), Opt(Value("OUT", Append(&files))), Any(Word("-o"), Word("run", Rest("CMD", func(s []string) error { files = s; return nil }))))
		},
	}
}

// TestGeneratedSentences walks sentences made from the trees: each word, in
// full and shortened, must reach the node that it was made from.
func TestGeneratedSentences(t *testing.T) {
	for name, grammar := range fixtureGrammars() {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(2000) {
				r := rand.New(rand.NewPCG(seed, 1))
				root := grammar()
				w := newWalk(root)
				var words []string
				for _, s := range generate(root, r) {
					word := s.word
					if s.leaf.op == opWord {
						word = shorten(w, s, r)
					}
					words = append(words, word)
					best, how, _ := w.pick(word)
					if how == fitNone || best.leaf != s.leaf {
						t.Fatalf("%q: the last word did not reach %q", words, s.leaf.name())
					}
					if best.leaf.op == opRest {
						break
					}
					if err := w.enter(best, word); err != nil {
						t.Fatalf("%q: %v", words, err)
					}
				}
				if err := Parse(grammar(), words, nil); err != nil {
					t.Fatalf("%q: %v", words, err)
				}
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add("dev X ingress pref 1 handle 1 bpf da obj f.o sec a action mirred egress redirect dev Y police rate 1")
	f.Add("eth0 xdp obj f.o sec x mtu 5 sec y off")
	f.Add("eth0 xdp off help")
	f.Add("a b sum sum to c -o --o run help x")
	f.Add("block 1 bpf obj a da action bpf obj b sec c pref 1 s x verbose e z")
	f.Fuzz(func(t *testing.T, line string) {
		words := strings.Split(line, " ")
		for _, grammar := range fixtureGrammars() {
			err := Parse(grammar(), words, nil)
			syntax, isSyntax := errors.AsType[*SyntaxError](err)
			_, isHelp := errors.AsType[*HelpRequest](err)
			if err != nil && (!isSyntax && !isHelp || err.Error() == "") {
				t.Fatalf("%q: %v", words, err)
			}
			if isSyntax && len(syntax.Expected) == 0 && syntax.AtEnd && syntax.Err == nil {
				t.Fatalf("%q: nothing is expected at the end: %v", words, err)
			}
		}
		fixtureTable().Complete(fixtureManual(), words[:len(words)-1], words[len(words)-1])
	})
}

func BenchmarkBuild(b *testing.B) {
	for b.Loop() {
		linkSetGrammar(new(linkSetRequest))
	}
}

func BenchmarkParse(b *testing.B) {
	words := strings.Fields("dev eth0 xdp obj foo.o sec xdp verbose")
	for b.Loop() {
		if err := Parse(linkSetGrammar(new(linkSetRequest)), words, nil); err != nil {
			b.Fatal(err)
		}
	}
}
