package grammar

import "slices"

// Parse reads the words by the grammar and calls the setters in the order of
// the words. It does nothing else.
//
// The error is a [*SyntaxError], or a [*HelpRequest] if the words ask for
// help; setters of the words before it have then been called. The word help
// asks for help wherever a keyword may stand, and also as the last word where
// only a value may stand; -h, -help and --help do the same. After the keyword of
// a device it is a device's name.
//
// A word that may be a keyword, or that the keyword before it wants as its value, is
// not taken for an option.
func Parse(root *Node, words []string, options *Options) error {
	w := newWalk(root)
	if options != nil {
		w.name = options.Name
	}
	for i := 0; i < len(words); {
		word := words[i]
		best, how, keywords := w.pick(word)
		rest := how == fitValue && best.leaf.op == opRest
		last := i == len(words)-1
		named := how == fitValue && best.leaf.kind == Device && word == "help" && w.due(best)
		if !rest && !named && how != fitExact && asksHelp(word, how) && (last || keywords || how != fitValue) {
			return &HelpRequest{Read: words[:i], Items: w.items()}
		}
		less, taken, err := w.option(best, how, words, i, options)
		if err != nil {
			return err
		}
		if taken {
			words = less
			continue
		}
		if how == fitNone {
			return w.unexpected(words, i)
		}
		if rest {
			return w.finish(words, w.rest(best, words, i))
		}
		if err := w.enter(best, word); err != nil {
			return &SyntaxError{Read: words[:i], Got: word, Value: w.valueName(best.leaf), Err: err}
		}
		i++
	}
	return w.finish(words, nil)
}

// asksHelp accepts a prefix of help only where nothing else does.
func asksHelp(word string, how fit) bool {
	switch word {
	case "help", "-h", "-help", "--help":
		return true
	case "h", "he", "hel":
		return how == fitNone
	}
	return false
}

func (w *walk) rest(o offer, words []string, i int) error {
	leaf := *o.leaf
	leaf.set = func(string) error { return leaf.setRest(slices.Clone(words[i:])) }
	o.leaf = &leaf
	if err := w.enter(o, words[i]); err != nil {
		return &SyntaxError{Read: words[:i], Got: words[i], Value: w.valueName(&leaf), Err: err}
	}
	return nil
}

// finish looks whether the line may end here.
func (w *walk) finish(words []string, err error) error {
	if err != nil {
		return err
	}
	if nodes, here := w.missing(); nodes != nil {
		e := &SyntaxError{Read: words, AtEnd: true, Expected: mandatory(nodes)}
		if here && len(words) > 0 {
			e.After = words[len(words)-1]
		}
		return e
	}
	for _, n := range w.checks {
		if err := n.check(); err != nil {
			return &SyntaxError{Read: words, AtEnd: true, Err: err}
		}
	}
	return nil
}

// valueName names a value in an error by its keyword, which the user typed.
func (w *walk) valueName(leaf *Node) string {
	top := w.frames[len(w.frames)-1]
	if top.node.op == opWord && len(top.node.children) == 1 && top.node.children[0] == leaf {
		return top.node.name()
	}
	return leaf.name()
}

// unexpected explains words[i], which nothing takes.
func (w *walk) unexpected(words []string, i int) error {
	e := &SyntaxError{Read: words[:i], Got: words[i]}
	keywords := e.expect(w.items())
	e.Duplicate, e.Conflict = w.blame(e.Got)
	if !e.Duplicate && e.Conflict == "" {
		e.Suggestion = nearest(e.Got, keywords)
	}
	return e
}

// blame looks for an earlier choice that keeps the word from being read: the
// latest of them tells the most.
func (w *walk) blame(word string) (duplicate bool, conflict string) {
	for _, c := range slices.Backward(w.history) {
		taken := c.node.children[c.child]
		if begins(taken, word) != fitNone {
			if c.node.op == opAny && !taken.repeat {
				return true, ""
			}
			continue
		}
		fits := func(n *Node) bool { return begins(n, word) != fitNone }
		if c.node.op == opAlt && slices.ContainsFunc(c.node.children, fits) {
			return false, c.word
		}
	}
	return false, ""
}
