package main

import (
	"path/filepath"
	"strconv"
	"time"
)

// The guest has three serial ports. The kernel writes its log to the first,
// the test binaries' output goes to the second as it is, and on the third
// process 1 tells the host, an event a line in JSON, how it goes.
const (
	outputPort = "/dev/ttyS1"
	eventPort  = "/dev/ttyS2"
)

// Where things are in the guest.
const (
	planPath  = "/vm/plan.json"
	moduleDir = "/vm/modules" // NNN-name.ko, in loading order
	binDir    = "/vm/bin"     // BusyBox's commands
	shellBin  = "/usr/local/bin"
)

// binaryPath is where the guest has the binary of a job.
func binaryPath(i int, j job) string {
	return filepath.Join("/vm/job", strconv.Itoa(i), filepath.Base(j.Binary))
}

// plan is what the host asks of a guest.
type plan struct {
	Jobs  []job // in the order to run
	First int   // number of the first job to run; those before it have had their turn

	Shell    bool     // a shell on the console instead of jobs
	Dir      string   // where it starts, the same on both sides
	Programs []string // of the host, that go to shellBin
}

// The kinds of event.
const (
	eventUp    = "up"    // the guest is ready
	eventStart = "start" // a job starts
	eventExit  = "exit"  // a job has ended
	eventFile  = "file"  // a file that a job wrote
	eventNote  = "note"  // something a person should know
	eventDone  = "done"  // the last event before power off
)

// event is one line from process 1 of the guest.
type event struct {
	Kind   string
	Job    int
	Output int64 // bytes that went to the output port before this event

	// Of an exit.
	Code    int           `json:",omitempty"`
	Signal  string        `json:",omitempty"` // what killed it, as "segmentation fault"
	Hang    bool          `json:",omitempty"` // it was still there after its time-out, and was killed
	Elapsed time.Duration `json:",omitempty"`

	Path string `json:",omitempty"` // of a file
	Data []byte `json:",omitempty"` // of a file, gzip
	Text string `json:",omitempty"` // of a note; of up: the kernel's release
}
