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
	scratch []step
}

// Bound is a value that was read.
type Bound struct {
	Name string // its metavariable
	Kind Kind
	Word string
}

func newWalk(root *Node) *walk {
	return &walk{frames: []frame{{node: Seq(root)}}}
}

// visitor sees the leaves that may come next. Returning false ends the scan.
type visitor struct {
	leaf  func(from *stack, depth int, path []step, leaf *Node) bool
	spent func(child *Node) bool // a child of Any that may not come again
}

// scan shows v every leaf that may come next, the innermost first.
func (w *walk) scan(v visitor) {
	w.scanStack(&stack{frames: w.frames}, v)
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
			if v.spent != nil && !v.spent(c) {
				return false
			}
			continue
		}
		if !w.first(s, d, append(w.scratch[:0], step{f.node, i}), c, v) {
			return false
		}
	}
	for t := len(f.tails) - 1; t >= 0; t-- {
		if !w.scanStack(&stack{frames: f.tails[t], under: s, depth: d, tail: t}, v) {
			return false
		}
	}
	return len(f.unmet()) == 0
}

// first shows v the leaves that n may begin with.
func (w *walk) first(s *stack, d int, path []step, n *Node, v visitor) bool {
	w.scratch = path
	switch n.op {
	case opWord, opValue, opRest:
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

// pick finds the node for the word. words tells whether a keyword may stand
// here. A keyword that was given already hides its namesakes further out, so
// that a word given twice is an error and not another group's option.
func (w *walk) pick(word string) (best offer, how fit, words bool) {
	var gone []string
	w.scan(visitor{
		leaf: func(s *stack, d int, path []step, leaf *Node) bool {
			words = words || leaf.op == opWord
			f := leaf.fit(word)
			if f <= how || s.under != nil && leaf.op != opWord {
				return true
			}
			if slices.Contains(gone, leaf.name()) {
				return false
			}
			how, best = f, offer{leaf, s, d, slices.Clone(path)}
			return how != fitExact
		},
		spent: func(child *Node) bool {
			for leaf := range leaves(child) {
				switch f := leaf.fit(word); {
				case leaf.op == opWord && f == fitExact:
					return false
				case leaf.op == opWord && f == fitPrefix:
					gone = append(gone, leaf.name())
				}
			}
			return true
		},
	})
	return best, how, words
}

// begins tells how well the word fits a keyword that n may begin with.
func begins(n *Node, word string) fit {
	best := fitNone
	for leaf := range leaves(n) {
		if leaf.op == opWord {
			best = max(best, leaf.fit(word))
		}
	}
	return best
}

// leaves yields the leaves that n may begin with.
func leaves(n *Node) func(yield func(*Node) bool) {
	return func(yield func(*Node) bool) {
		new(walk).first(nil, 0, nil, n, visitor{
			leaf: func(_ *stack, _ int, _ []step, leaf *Node) bool { return yield(leaf) },
		})
	}
}

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
	w.bound = append(w.bound, Bound{o.leaf.name(), o.leaf.kind, word})
	return o.leaf.set(word)
}

func (w *walk) push(n *Node) {
	f := frame{node: n}
	if n.op == opAny {
		f.used = make([]bool, len(n.children))
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
