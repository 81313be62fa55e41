package grammar

import "slices"

// frame is a node that has begun and may go on.
type frame struct {
	node  *Node
	next  int       // sequences: the child that comes next
	again bool      // sequences: that child has been read, and may repeat
	used  []bool    // Any: the children read
	tails [][]frame // Any: what was left open in its children, oldest first
}

// stack is a chain of frames, the innermost last: the one being walked, or a
// tail of an Any in it.
type stack struct {
	frames []frame
	under  *stack // nil for the one being walked
	depth  int    // where in under the Any stands
	tail   int    // which of its tails this is
}

// step says which child of a node was entered.
type step struct {
	node  *Node
	child int
}

// offer is a leaf that may come next, and the way to it.
type offer struct {
	leaf  *Node
	from  *stack
	depth int
	path  []step
}

// choice remembers which child of an Alt or Any a word chose, to explain an
// error after it.
type choice struct {
	step
	word string
}

// walk is the state of one pass over a line.
type walk struct {
	frames  []frame
	history []choice
	checks  []*Node
	bound   []Bound
	top     stack
	scratch []step
	picker  picker
	name    func(Kind, string) string // nil for words as they are
}

// Bound is a value that was read.
type Bound struct {
	Name string // its metavariable
	Kind Kind
	Word string
}

func newWalk(root *Node) *walk {
	const usual = 8 // as much as most lines need
	w := &walk{
		frames: make([]frame, 1, usual), history: make([]choice, 0, usual), bound: make([]Bound, 0, usual),
	}
	w.frames[0].node = Seq(root)
	return w
}

// visitor sees the leaves that may come next. Returning false ends the scan.
type visitor interface {
	leaf(from *stack, depth int, path []step, leaf *Node) bool
	spent(child *Node) bool // a child of Any that may not come again
}

// scan shows v every leaf that may come next, the innermost first.
func (w *walk) scan(v visitor) {
	w.top = stack{frames: w.frames}
	w.scanStack(&w.top, v)
}

// scanStack returns false if nothing beyond the stack may come next.
func (w *walk) scanStack(s *stack, v visitor) bool {
	for d := len(s.frames) - 1; d >= 0; d-- {
		f := &s.frames[d]
		switch f.node.op {
		case opAlt:
		case opAny:
			if !w.scanAny(s, d, v) {
				return false
			}
		default:
			if !w.scanSequence(s, d, v) {
				return false
			}
		}
	}
	return true
}

// scanSequence shows only groups if s is a tail: what was left out there for
// good is any other part.
func (w *walk) scanSequence(s *stack, d int, v visitor) bool {
	f := &s.frames[d]
	for i := f.next; i < len(f.node.children); i++ {
		c := f.node.children[i]
		if s.under != nil && c.op != opAny {
			continue
		}
		if !w.first(s, d, append(w.scratch[:0], step{f.node, i}), c, v) {
			return false
		}
		if !c.nullable() && !(i == f.next && f.again) {
			return false
		}
	}
	return true
}

func (w *walk) scanAny(s *stack, d int, v visitor) bool {
	f := &s.frames[d]
	for i, c := range f.node.children {
		if f.used[i] && !c.repeat {
			if !v.spent(c) {
				return false
			}
			continue
		}
		if !w.first(s, d, append(w.scratch[:0], step{f.node, i}), c, v) {
			return false
		}
	}
	for t, tail := range slices.Backward(f.tails) {
		if !w.scanStack(&stack{frames: tail, under: s, depth: d, tail: t}, v) {
			return false
		}
	}
	return len(f.unmet()) == 0
}

// first shows v the leaves that n may begin with.
func (w *walk) first(s *stack, d int, path []step, n *Node, v visitor) bool {
	w.scratch = path
	if n.isLeaf() {
		return v.leaf(s, d, path, n)
	}
	for i, c := range n.children {
		if !w.first(s, d, append(path, step{n, i}), c, v) {
			return false
		}
		if (n.op == opSeq || n.op == opOpt) && !c.nullable() {
			break
		}
	}
	return true
}

// unmet returns the required children of an Any that were not given.
func (f *frame) unmet() []*Node {
	var nodes []*Node
	for i, c := range f.node.children {
		if c.required && !f.used[i] {
			nodes = append(nodes, c)
		}
	}
	return nodes
}

// missing returns the nodes of which one must still come, and whether they
// belong right after the last word.
func (w *walk) missing() (nodes []*Node, here bool) {
	for d := len(w.frames) - 1; d >= 0; d-- {
		f := &w.frames[d]
		switch f.node.op {
		case opAny:
			if nodes := f.unmet(); nodes != nil {
				return nodes, false
			}
		case opAlt:
		default:
			for i := f.next; i < len(f.node.children); i++ {
				c := f.node.children[i]
				if !c.nullable() && !(i == f.next && f.again) {
					return []*Node{c}, true
				}
			}
		}
	}
	return nil, false
}

// option takes the option at i out of words, unless that word was picked for a
// keyword or is a value that is due.
func (w *walk) option(best offer, how fit, words []string, i int, options *Options) (rest []string, taken bool, err error) {
	if how > fitValue || how == fitValue && w.due(best) {
		return words, false, nil
	}
	return options.take(words, i)
}

// due tells whether a value must come where it is offered, whatever the word
// looks like: the last word was its keyword, or all that follows is words.
func (w *walk) due(value offer) bool {
	if value.leaf.op == opRest {
		return true
	}
	inner := w.frames[value.depth+1:]
	last, f, child := w.frames[len(w.frames)-1], w.frames[value.depth], value.path[0].child
	return last.node.op == opWord && (len(inner) == 0 || last.next == 0) &&
		!slices.ContainsFunc(inner, func(f frame) bool { return f.node.op == opAny }) &&
		!f.node.children[child].nullable() && (child > f.next || !f.again)
}

// pick finds the node for the word. words tells whether a keyword may stand
// here.
func (w *walk) pick(word string) (best offer, how fit, words bool) {
	p := &w.picker
	*p = picker{word: word, best: offer{path: p.best.path[:0]}, gone: p.gone[:0]}
	w.scan(p)
	return p.best, p.how, p.words
}

// picker finds the best leaf for a word. A keyword that was given already
// hides its namesakes further out, so that a word given twice is an error and
// not another group's option.
type picker struct {
	word  string
	best  offer
	how   fit
	words bool
	gone  []string // keywords given already that the word is short for
}

func (p *picker) leaf(s *stack, depth int, path []step, leaf *Node) bool {
	p.words = p.words || leaf.op == opWord
	f := leaf.fit(p.word)
	if f <= p.how || s.under != nil && leaf.op != opWord {
		return true
	}
	if slices.Contains(p.gone, leaf.name()) {
		return false
	}
	p.how, p.best = f, offer{leaf, s, depth, append(p.best.path[:0], path...)}
	return f != fitExact
}

func (p *picker) spent(child *Node) bool {
	going := true
	eachLeaf(child, func(leaf *Node) {
		if leaf.op != opWord {
			return
		}
		if f := leaf.fit(p.word); f == fitExact {
			going = false
		} else if f == fitPrefix {
			p.gone = append(p.gone, leaf.name())
		}
	})
	return going
}

// begins tells how well the word fits a keyword that n may begin with.
func begins(n *Node, word string) fit {
	best := fitNone
	eachLeaf(n, func(leaf *Node) {
		if leaf.op == opWord {
			best = max(best, leaf.fit(word))
		}
	})
	return best
}

// eachLeaf calls f with the leaves that n may begin with.
func eachLeaf(n *Node, f func(*Node)) {
	if n.isLeaf() {
		f(n)
		return
	}
	for _, c := range n.children {
		eachLeaf(c, f)
		if (n.op == opSeq || n.op == opOpt) && !c.nullable() {
			return
		}
	}
}

// lister shows f each leaf that may come next; a tail offers keywords only.
type lister func(leaf *Node)

func (f lister) leaf(s *stack, _ int, _ []step, leaf *Node) bool {
	if s.under == nil || leaf.op == opWord {
		f(leaf)
	}
	return true
}

func (f lister) spent(*Node) bool { return true }

// enter moves to the offered leaf and runs its setter.
func (w *walk) enter(o offer, word string) error {
	w.unwind(o.from, o.depth)
	for i, s := range o.path {
		if i > 0 {
			w.push(s.node)
		}
		w.frames[len(w.frames)-1].advance(s.child)
		if s.node.op == opAlt || s.node.op == opAny {
			w.history = append(w.history, choice{s, word})
		}
	}
	if o.leaf.op == opWord {
		w.push(o.leaf)
		if o.leaf.do != nil {
			o.leaf.do()
		}
		return nil
	}
	w.note(o.leaf)
	if o.leaf.kind != "" && w.name != nil {
		word = w.name(o.leaf.kind, word)
	}
	w.bound = append(w.bound, Bound{o.leaf.name(), o.leaf.kind, word})
	return o.leaf.set(word)
}

func (w *walk) push(n *Node) {
	f := frame{node: n}
	if in := n.then(); n.op == opAny {
		f.used = make([]bool, len(in))
	}
	w.frames = append(w.frames, f)
	w.note(n)
}

func (w *walk) note(n *Node) {
	if n.check != nil && !slices.Contains(w.checks, n) {
		w.checks = append(w.checks, n)
	}
}

// advance records that the child was entered.
func (f *frame) advance(child int) {
	switch f.node.op {
	case opAny:
		f.used[child] = true
	case opAlt:
	default:
		f.again = f.node.children[child].repeat
		f.next = child
		if !f.again {
			f.next++
		}
	}
}

// unwind makes the frames of s up to depth the current ones. What an Any
// thereby leaves open it keeps as a tail.
func (w *walk) unwind(s *stack, depth int) {
	if s.under == nil {
		left := slices.Clone(w.frames[depth+1:])
		w.frames = w.frames[:depth+1]
		w.frames[depth].keep(left)
		return
	}
	w.unwind(s.under, s.depth)
	holder := &w.frames[len(w.frames)-1]
	holder.tails = slices.Delete(slices.Clone(holder.tails), s.tail, s.tail+1)
	w.frames = append(w.frames, s.frames[:depth+1]...)
	w.frames[len(w.frames)-1].keep(slices.Clone(s.frames[depth+1:]))
}

// keep stores the frames left behind if a group among them may be taken up.
func (f *frame) keep(left []frame) {
	if f.node.op == opAny && slices.ContainsFunc(left, hasGroup) {
		f.tails = append(f.tails, left)
	}
}

func hasGroup(f frame) bool {
	if f.node.op == opAny {
		return true
	}
	isAny := func(n *Node) bool { return n.op == opAny }
	return f.node.op != opAlt && slices.ContainsFunc(f.node.children[f.next:], isAny)
}
