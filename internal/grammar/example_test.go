package grammar_test

import (
	"fmt"
	"strings"

	"github.com/xdpload/xdpload/internal/grammar"
)

// detachRequest is what the words of a command say.
type detachRequest struct {
	Dev   string
	Modes []string
	Queue *uint16
	Quiet bool
}

func detachGrammar(r *detachRequest) *grammar.Node {
	mode := func(name string) *grammar.Node {
		return grammar.Word(name).Do(func() { r.Modes = append(r.Modes, name) })
	}
	return grammar.Seq(
		grammar.Opt(grammar.Word("dev").Exact()),
		grammar.Value("DEV", grammar.String(&r.Dev)).Completes(grammar.Device).Help("the device"),
		grammar.Any(
			grammar.Alt(mode("native").Alias("driver"), mode("generic"), mode("offload")).Repeat().Help("only this mode"),
			grammar.Key("queue", "N", grammar.Pointer(&r.Queue, 0, 1023)).Help("only this queue"),
			grammar.Flag("quiet", &r.Quiet).Help("say nothing"),
		),
	)
}

func commands() grammar.Table[func() string] {
	return grammar.Table[func() string]{{
		Name: "hook detach|remove", Summary: "detach what is attached",
		New: func() (*grammar.Node, func() string) {
			r := new(detachRequest)
			return detachGrammar(r), func() string { return fmt.Sprintf("%s %v %t", r.Dev, r.Modes, r.Quiet) }
		},
	}}
}

func Example() {
	for _, line := range []string{"hook detach eth0 qui gen nat", "h rem dev eth0 qeue 3", "hook detach eth0 queue"} {
		c, words, err := commands().Lookup(strings.Fields(line), nil)
		if err != nil {
			fmt.Println(err)
			continue
		}
		run, err := c.Parse(words, nil)
		if err != nil {
			fmt.Println(c.Title()+":", err)
			continue
		}
		fmt.Println(run())
	}
	fmt.Print(grammar.Synopsis("hook detach", detachGrammar(new(detachRequest)), 60))
	// Output:
	// eth0 [generic native] true
	// hook detach: unexpected "qeue", expected native, generic, offload, queue, quiet; did you mean "queue"?
	// hook detach: command line is not complete: expected N after queue
	// hook detach [ dev ] DEV [ native | generic | offload ]...
	//             [ queue N ] [ quiet ]
}
