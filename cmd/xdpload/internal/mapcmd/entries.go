package mapcmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/mapdata"
	"github.com/xdpload/xdpload/internal/render"
)

// entryRequest is about the entries of a map.
type entryRequest struct {
	Map     subject.MapRef
	Key     *string // nil for the only one that there is
	Changes []mapdata.Assignment
}

func (r *entryRequest) key() *grammar.Node {
	set := func(word string) error { r.Key = &word; return nil }
	return grammar.Word("key", grammar.Value("KEY", set), bytesApart()).
		Help("a number, a name, an address, JSON, or 0x and all bytes where the type is not known; may be left out where there is only one, as of the variables of a program")
}

func (r *entryRequest) value() *grammar.Node {
	set := func(word string) error {
		r.Changes = append(r.Changes, mapdata.Assignment{Value: word})
		return nil
	}
	return grammar.Word("value", grammar.Value("VALUE", set), bytesApart()).
		Help(`as KEY; for an array of programs or maps the id, or "pinned PATH"; for a map of devices the name, or {"ifindex":"eth0","prog":"pinned PATH"}; for a map of CPUs the length of the queue, or {"qsize":512,"prog":"pinned PATH"}. What an object or array in JSON leaves out stays as it is`)
}

// member is an assignment to a part of the value.
func (r *entryRequest) member() *grammar.Node {
	set := func(word string) error {
		name, value, _ := strings.Cut(word, "=")
		r.Changes = append(r.Changes, mapdata.Assignment{Member: name, Value: value})
		return nil
	}
	isOne := func(word string) bool { return strings.Index(word, "=") > 0 }
	return grammar.Value("MEMBER=VALUE", set).Accept(isOne).Repeat().
		Help("set a member of the value, as config.limit=10 or peers[1].port=443, and leave the others as they are")
}

// bytesApart takes bytes as bpftool has them, to say how they are written here.
func bytesApart() *grammar.Node {
	isByte := func(word string) bool {
		_, err := strconv.ParseUint(word, 0, 8)
		_, hexErr := strconv.ParseUint(word, 16, 8)
		return err == nil || hexErr == nil
	}
	refuse := func(string) error {
		return errors.New("bytes are one word here: 0x and two hexadecimal digits for each, as 0x0a000001; where types are known, so are 10, 10.0.0.1 and JSON")
	}
	return grammar.Opt(grammar.Value("BYTE", refuse).Accept(isByte).Hidden()).Hidden()
}

const typedDescription = `Keys and values have the types that the map's BTF gives: numbers, names of enumerations, text in arrays of char, objects and arrays in JSON. Without BTF they are 0x and the bytes in hexadecimal. Arrays of 4, 6 and 16 bytes, __be32, struct in_addr and in6_addr are addresses, and the key of a prefix tree is 10.0.0.0/8 or 2001:db8::/32. Other numbers of 4 bytes take an IPv4 address too, which then lies in memory as in a packet.`

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

func (r *entryRequest) dump(_ context.Context, e *env.Env) (report any, err error) {
	err = r.read(e, func(d *mapdata.Map) error {
		n, err := d.Dump(render.Lines(e.Stdout, e.Options), e.JSON)
		if n == 0 && !e.JSON {
			report = render.List[render.Texter]{}
		}
		return err
	})
	return report, err
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
			return grammar.Seq(r.Map.Grammar(), grammar.Opt(r.key()))
		}, (*entryRequest).get),
	}
}

// keyOf is the key that was given, or the only one.
func (r *entryRequest) keyOf(d *mapdata.Map) (string, error) {
	if r.Key != nil {
		return *r.Key, nil
	}
	if key, ok := d.OnlyKey(); ok {
		return key, nil
	}
	return "", errors.New("the map has more than one entry: say which by key KEY")
}

func (r *entryRequest) get(_ context.Context, e *env.Env) (any, error) {
	var found *entryReport
	err := r.read(e, func(d *mapdata.Map) error {
		key, err := r.keyOf(d)
		if err != nil {
			return err
		}
		entry, err := d.Get(key)
		found = &entryReport{entry}
		return err
	})
	return found, err
}

// entryReport is one entry.
type entryReport struct{ mapdata.Entry }

// WriteText prints the entry as map dump does.
func (r *entryReport) WriteText(t *render.Text, _ render.Options) {
	t.AsIs()
	t.Write(r.AppendText(nil))
}

// Set is the command map set, which makes or changes one entry.
func Set() env.Command {
	return env.Command{
		Name:    "map set|update",
		Summary: "set one entry of a map",
		Description: `Creates the entry, or changes it; on every CPU if the map has a value for each. What MEMBER=VALUE, or an object or array in JSON, does not name stays as it is, on each CPU its own; in a new entry it is zero. Variables of a program are changed where they are, and nothing else is written. In other maps the whole value is read and written again, so what a program changes of the same entry in between is lost.

` + typedDescription,
		Examples: []grammar.Example{
			{Line: "xdpload map set prog:app/.data config.limit=99", Help: "a member of a program's global variable"},
			{Line: "xdpload map set name hosts key 192.0.2.1 limit=10", Help: "a member of an entry"},
			{Line: "xdpload map set pinned m:globals/hosts key 192.0.2.1 value '{\"limit\":10}'", Help: "an address as key, a structure as value"},
		},
		New: env.NewRunner(func(r *entryRequest) *grammar.Node {
			return grammar.Seq(r.Map.Grammar(), grammar.Opt(r.key()), grammar.Alt(r.value(), grammar.Seq(r.member())))
		}, (*entryRequest).set),
	}
}

func (r *entryRequest) set(_ context.Context, e *env.Env) (any, error) {
	return nil, r.with(e, func(d *mapdata.Map) error {
		key, err := r.keyOf(d)
		if err != nil {
			return err
		}
		return d.Set(key, r.Changes...)
	})
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
	return nil, r.with(e, func(d *mapdata.Map) error { return d.Delete(*r.Key) })
}

// with opens the map and its types.
func (r *entryRequest) with(e *env.Env, do func(*mapdata.Map) error) error {
	return r.opened(e, r.Map.Open, do)
}

// read is with, for who changes nothing.
func (r *entryRequest) read(e *env.Env, do func(*mapdata.Map) error) error {
	return r.opened(e, r.Map.OpenToRead, do)
}

func (r *entryRequest) opened(e *env.Env, open func(*env.Env) (*ebpf.Map, error), do func(*mapdata.Map) error) error {
	m, err := open(e)
	if err != nil {
		return err
	}
	defer m.Close()
	d, err := mapdata.New(m, names(e))
	if err == nil {
		if d.Hidden {
			e.Warn("%v: its types are for CAP_SYS_ADMIN, so keys and values are bytes", &r.Map)
		}
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
		Description: `Reads lines of JSON, each an object {"key":…,"value":…} as map dump prints it with -json, or CSV, with or without a byte order mark, with a header of columns "key" and "value", and of structures "key.MEMBER" and "value.MEMBER". An entry is set as a whole: what the value leaves out is zero, where map set leaves it as it is. Entries go to the kernel in batches. An error names the line, and says how many entries were set before it; those stay.

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
			err = fmt.Errorf("%w; set before: %s", err, subject.Count(report.Entries, "entry"))
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
	t.Printf("%s set\n", subject.Count(r.Entries, "entry"))
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
