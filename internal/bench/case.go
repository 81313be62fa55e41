package main

import "strings"

// A testCase is one kind of work, done by xdpload and by its peers.
type testCase struct {
	name, about string
	// calm has the kernel not wait to attach programs: see fillDispatcher.
	calm bool
	// setup prepares a network namespace for the case; what it makes is gone
	// with the namespace.
	setup func(*world) error
	// contestants are xdpload and its peers.
	contestants []contestant
	// rounds is how many there are at least, 0 for minRounds.
	rounds int
	// calls has the system calls of each contestant counted too.
	calls bool
	goals []goal
}

// A contestant is a command line that does the work, run in the lab's directory.
type contestant struct {
	argv   []string           // the first word is the name of a tool
	stdin  string             // a file of the lab's directory, none if empty
	reset  func(*world) error // before each run, not measured
	status int                // with which the command ends when it does what it should
}

func (c contestant) tool() string { return c.argv[0] }

// A goal limits what xdpload takes: to so many times what the peer takes, or,
// without a peer, to a value.
type goal struct {
	metric metric
	peer   string
	limit  float64
}

// command is a contestant that needs no reset.
func command(words string) contestant { return contestant{argv: strings.Fields(words)} }

// after is the contestant with a reset.
func (c contestant) after(reset func(*world) error) contestant {
	c.reset = reset
	return c
}

// from is the contestant with a file of the lab's directory on its standard input.
func (c contestant) from(file string) contestant {
	c.stdin = file
	return c
}

// refused is the contestant whose work is refused with the status.
func (c contestant) refused(status int) contestant {
	c.status = status
	return c
}
