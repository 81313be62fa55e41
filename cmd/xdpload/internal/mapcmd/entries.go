package mapcmd

import (
	"context"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/mapdata"
	"github.com/xdpload/xdpload/internal/render"
)

// entryRequest is about the entries of a map.
type entryRequest struct {
	Map        subject.MapRef
	Key, Value string
}

func (r *entryRequest) key() *grammar.Node {
	return grammar.Key("key", "KEY", grammar.String(&r.Key)).
		Help("a number, a name, an address, JSON, or 0x and all bytes where the type is not known")
}

func (r *entryRequest) value() *grammar.Node {
	return grammar.Key("value", "VALUE", grammar.String(&r.Value)).
		Help("as KEY; for an array of programs or maps the id")
}

const typedDescription = `Keys and values have the types that the map's BTF gives: numbers, names of enumerations, text in arrays of char, objects and arrays in JSON. Without BTF they are 0x and the bytes in hexadecimal.`

// Dump is the command map dump, which prints all entries of a map.
func Dump() env.Command {
	return env.Command{
		Name:    "map dump",
		Summary: "print the entries of a map",
		Description: `Prints every entry on a line of its own, for people to read. With -json each line is an object {"key":…,"value":…}, which map load reads. For a map with a value for each CPU it prints each of them, and the sum of every integer in them.

` + typedDescription,
		Examples: []grammar.Example{
			{Line: "xdpload -json map dump pinned /sys/fs/bpf/tc/globals/hosts >hosts.json", Help: "save a map"},
		},
		New: env.NewRunner(func(r *entryRequest) *grammar.Node {
			return r.Map.Grammar()
		}, (*entryRequest).dump),
	}
}

func (r *entryRequest) dump(_ context.Context, e *env.Env) (any, error) {
	return nil, r.with(e, func(d *mapdata.Map) error {
		_, err := d.Dump(e.Stdout, e.JSON)
		return err
	})
}

// Get is the command map get, which prints one entry.
func Get() env.Command {
	return env.Command{
		Name:        "map get|lookup",
		Summary:     "print one entry of a map",
		Description: typedDescription,
		Examples: []grammar.Example{
			{Line: "xdpload map get prog:xdp_count/stats key 0", Help: "the first element of the array stats"},
		},
		New: env.NewRunner(func(r *entryRequest) *grammar.Node {
			return grammar.Seq(r.Map.Grammar(), r.key())
		}, (*entryRequest).get),
	}
}

func (r *entryRequest) get(_ context.Context, e *env.Env) (any, error) {
	var found *entryReport
	err := r.with(e, func(d *mapdata.Map) error {
		entry, err := d.Get(r.Key)
		found = &entryReport{entry}
		return err
	})
	return found, err
}

// entryReport is one entry.
type entryReport struct{ mapdata.Entry }

// WriteText prints the entry as map dump does.
func (r *entryReport) WriteText(t *render.Text, _ render.Options) { t.Write(r.AppendText(nil)) }

// Set is the command map set, which makes or changes one entry.
func Set() env.Command {
	return env.Command{
		Name:        "map set|update",
		Summary:     "set one entry of a map",
		Description: "Creates the entry, or changes it; on every CPU if the map has a value for each.\n\n" + typedDescription,
		Examples: []grammar.Example{
			{Line: "xdpload map set pinned m:globals/hosts key 192.0.2.1 value '{\"limit\":10}'", Help: "an address as key, a structure as value"},
		},
		New: env.NewRunner(func(r *entryRequest) *grammar.Node {
			return grammar.Seq(r.Map.Grammar(), r.key(), r.value())
		}, (*entryRequest).set),
	}
}

func (r *entryRequest) set(_ context.Context, e *env.Env) (any, error) {
	return nil, r.with(e, func(d *mapdata.Map) error { return d.Set(r.Key, r.Value) })
}

// Delete is the command map delete, which removes one entry.
func Delete() env.Command {
	return env.Command{
		Name:        "map delete|remove",
		Summary:     "remove one entry of a map",
		Description: typedDescription,
		Examples: []grammar.Example{
			{Line: "xdpload map del name hosts key 192.0.2.1", Help: "remove an address"},
		},
		New: env.NewRunner(func(r *entryRequest) *grammar.Node {
			return grammar.Seq(r.Map.Grammar(), r.key())
		}, (*entryRequest).delete),
	}
}

func (r *entryRequest) delete(_ context.Context, e *env.Env) (any, error) {
	return nil, r.with(e, func(d *mapdata.Map) error { return d.Delete(r.Key) })
}

// with opens the map and its types.
func (r *entryRequest) with(e *env.Env, do func(*mapdata.Map) error) error {
	m, err := r.Map.Open(e)
	if err != nil {
		return err
	}
	defer m.Close()
	d, err := mapdata.New(m)
	if err == nil {
		err = do(d)
	}
	if err != nil {
		return fmt.Errorf("%v: %w", &r.Map, err)
	}
	return nil
}

// Load is the command map load, which sets the entries that standard input has.
func Load() env.Command {
	return env.Command{
		Name:    "map load",
		Summary: "set the entries that standard input has",
		Description: `Reads lines of JSON, each an object {"key":…,"value":…} as map dump prints it with -json, or CSV, with or without a byte order mark, with a header of columns "key" and "value", and of structures "key.MEMBER" and "value.MEMBER". Entries go to the kernel in batches. An error names the line, and says how many entries were set before it; those stay.

` + typedDescription,
		Examples: []grammar.Example{
			{Line: "xdpload map load pinned m:globals/hosts <hosts.json", Help: "from lines of JSON"},
			{Line: "printf 'key,value.limit\\n192.0.2.1,10\\n' | xdpload map load name hosts", Help: "from CSV"},
		},
		New: env.NewRunner(func(r *entryRequest) *grammar.Node {
			return r.Map.Grammar()
		}, (*entryRequest).load),
	}
}

func (r *entryRequest) load(ctx context.Context, e *env.Env) (any, error) {
	report := new(mapLoadReport)
	err := r.with(e, func(d *mapdata.Map) (err error) {
		report.Entries, err = d.Load(ctx, e.Stdin, progress(e, "entries"))
		if err != nil && report.Entries > 0 {
			err = fmt.Errorf("%w; %d entries were set before", err, report.Entries)
		}
		return err
	})
	return report, err
}

// mapLoadReport says how many entries were set.
type mapLoadReport struct {
	Entries int `json:"entries"`
}

func (*mapLoadReport) Changes() {}

// WriteText prints one line.
func (r *mapLoadReport) WriteText(t *render.Text, _ render.Options) {
	t.Printf("%d entries set\n", r.Entries)
}

// progress returns what shows a growing number on a terminal, nil elsewhere.
func progress(e *env.Env, unit string) func(int) {
	f, ok := e.Stderr.(*os.File)
	if !ok {
		return nil
	}
	if _, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS); err != nil {
		return nil
	}
	return func(n int) {
		_, _ = fmt.Fprintf(f, "\r%d %s\x1b[K\r", n, unit) // no terminal, no progress
	}
}
