package main

import "strings"

// A testCase is one kind of work, done by xdpload and by its peers.
type testCase struct {
	name, about string
	// calm has the kernel not wait to attach programs: see fillDispatcher. Once
	// it does not, it does not for all cases that follow.
	calm bool
	// setup prepares a network namespace for the case; what it makes is gone
	// with the namespace.
	setup func(*world) error
	// contestants are xdpload and its peers.
	contestants []contestant
	// calls has the system calls of each contestant counted too.
	calls bool
	goals []goal
}

// A contestant is a command line that does the work, run in the lab's directory.
type contestant struct {
	argv   []string           // the first word is the name of a tool
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

// refused is the contestant whose work is refused with the status.
func (c contestant) refused(status int) contestant {
	c.status = status
	return c
}
