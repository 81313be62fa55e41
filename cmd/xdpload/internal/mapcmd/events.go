package mapcmd

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/events"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
)

// eventsRequest says which records to read, what they are, and where they go.
type eventsRequest struct {
	Map     subject.MapRef
	Type    string // of what a record begins with
	Object  string // the file that has the type, "" for what is loaded
	Packet  bool   // is what follows
	At      *int   // bytes before it; nil for the size of the type
	Length  string // the members of the type that have the packet's length on the wire,
	Time    string // when it was, in nanoseconds since boot,
	Ifindex string // and its device
	Out     string
	Count   uint64 // 0 for no end
	Watch   subject.Watch
}

// Events is the command map events, which prints what programs send.
func Events() env.Command {
	return env.Command{
		Name:    "map events",
		Options: "replace",
		Summary: "print what programs send through a ring buffer or a perf event array",
		Description: `Prints each record on a line, until ^C: as the type that is named, and as bytes in hexadecimal without one. With -json each line is an object. The time is when the record was read, unless a member of the record has it.

packet says that the packet follows what the program has written before it; out writes these packets as a pcapng file, with the rest of the record as comment, for tcpdump and Wireshark. Records that came faster than they were read are counted, while it runs and at the end; those that did not fit into a ring buffer only the program knows of.

A record goes to one reader only: what is read here, no other program gets. Of a perf event array the reader takes the place of the one before it, and the records of each CPU are in order, those of several need not be.`,
		Examples: []grammar.Example{
			{Line: "xdpload map events dev:eth0/events type event", Help: "of the program on eth0, typed"},
			{Line: "xdpload -json map events pinned m:globals/events type event obj foo.o count 100", Help: "the type is in the object file"},
			{Line: "xdpload map events name samples type sample packet length len out - | tcpdump -nr -", Help: "packets with a header of the program's own"},
		},
		New: env.New((*eventsRequest).grammar),
	}
}

func (r *eventsRequest) grammar() *grammar.Node {
	member := func(name string, p *string, help string) *grammar.Node {
		return grammar.Key(name, "MEMBER", grammar.String(p)).Help("the member of the type that has " + help)
	}
	return grammar.Seq(r.Map.Grammar(), grammar.Any(
		grammar.Key("type", "NAME", grammar.String(&r.Type)).
			Help("what a record begins with: a structure by its name, in the types of the map, or of the programs that use it"),
		grammar.Key("obj", "FILE", grammar.String(&r.Object)).Alias("object-file").Completes(grammar.File).
			Help("the object file that has the type; loaders leave out what no function takes"),
		grammar.Word("packet", grammar.Opt(
			grammar.Key("at", "N", grammar.Pointer(&r.At, 0, math.MaxInt32)).Help("so many bytes are before it; those of the type without the word"),
		)).Do(func() { r.Packet = true }).Help("a packet follows"),
		member("length", &r.Length, "the packet's length on the wire, in bytes"),
		member("time", &r.Time, "the time, in nanoseconds, of bpf_ktime_get_ns"),
		member("ifindex", &r.Ifindex, "the number of the device"),
		grammar.Key("out", "FILE", grammar.String(&r.Out)).Completes(grammar.File).
			Help("write packets to a pcapng file, which must not be there unless -force is given; - is standard output"),
		grammar.Key("count", "N", grammar.Number(&r.Count, 1, math.MaxUint64)).Help("end after this many records"),
		r.Watch.Grammar(),
	)).Check(r.check)
}

// check says which words want others.
func (r *eventsRequest) check() error {
	switch {
	case r.Out != "" && !r.Packet:
		return errors.New("out writes packets: packet says where they are in a record")
	case r.Type == "" && r.Object != "":
		return errors.New("type NAME says which type of the object file")
	case r.Type == "" && r.Length+r.Time+r.Ifindex != "":
		return errors.New("type NAME says what has such a member")
	case !r.Packet && r.Length != "":
		return errors.New("packet says where the packet is whose length it is")
	}
	return nil
}

// idle is how long a reader waits for a record at most: so often it looks whether to
// end, and for records that were sent without waking it up.
const idle = 100 * time.Millisecond

func (r *eventsRequest) Run(ctx context.Context, e *env.Env) (any, error) {
	report, err := r.read(ctx, e)
	if err != nil {
		return nil, fmt.Errorf("%v: %w", &r.Map, err)
	}
	if r.Out == "" || r.Out == "-" {
		return nil, nil
	}
	return report, nil
}

func (r *eventsRequest) read(ctx context.Context, e *env.Env) (*eventsReport, error) {
	m, err := r.Map.Open(e)
	if err != nil {
		return nil, errors.Unwrap(err) // which has the name of the map
	}
	defer m.Close()
	form, err := r.form(m)
	if err != nil {
		return nil, err
	}
	reader, err := events.Open(m)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	out, err := r.open(e, form)
	if err != nil {
		return nil, err
	}
	ctx, stop := r.Watch.Begin(ctx)
	defer stop()
	report := &eventsReport{File: r.Out}
	err = report.copy(ctx, e, r.Count, reader, out)
	if closed := out.close(); err == nil {
		err = closed
	}
	return report, err
}

// eventsReport is what was read.
type eventsReport struct {
	File    string `json:"file"`
	Records uint64 `json:"records"`
	Lost    uint64 `json:"lost"` // that came faster than they were read
}

// WriteText prints a line.
func (r *eventsReport) WriteText(t *render.Text, _ render.Options) {
	t.Printf("%s: %s, %d lost\n", r.File, subject.Count(int(r.Records), "record"), r.Lost)
}

// copy has out write records until ctx is done, or there were count of them.
func (r *eventsReport) copy(ctx context.Context, e *env.Env, count uint64, in *events.Reader, out sink) error {
	var rec events.Record
	told, since := uint64(0), time.Now() // losses
	for ctx.Err() == nil && (count == 0 || r.Records < count) {
		ok, err := in.Read(&rec, idle)
		switch {
		case err != nil:
			return err
		case ok && rec.Lost > 0:
			r.Lost += rec.Lost
		case ok:
			r.Records++
			if err := out.write(&rec); err != nil {
				return err
			}
		}
		if !rec.More {
			if err := out.flush(); err != nil {
				return err
			}
		}
		if r.Lost > told && time.Since(since) > time.Second {
			told, since = r.Lost, time.Now()
			e.Warn("%d records were lost up to now: they come faster than they are read", r.Lost)
		}
	}
	if r.Lost > 0 {
		e.Warn("%d records were lost of %d: they came faster than they were read", r.Lost, r.Lost+r.Records)
	}
	return nil
}
