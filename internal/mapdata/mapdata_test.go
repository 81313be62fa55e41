package mapdata_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/mapdata"
	"github.com/xdpload/xdpload/internal/sys"
)

func TestMain(m *testing.M) { os.Exit(bpftest.Main(m)) }

var (
	u32   = &btf.Int{Name: "unsigned int", Size: 4}
	u64   = &btf.Int{Name: "unsigned long long", Size: 8}
	stats = &btf.Struct{Name: "stats", Size: 16, Members: []btf.Member{
		{Name: "packets", Type: u64}, {Name: "bytes", Type: u64, Offset: 64},
	}}
	address = &btf.Array{Index: u32, Type: &btf.Int{Name: "unsigned char", Size: 1}, Nelems: 4}
)

func newMap(t testing.TB, spec *ebpf.MapSpec) (*ebpf.Map, *mapdata.Map) {
	t.Helper()
	bpftest.Need(t, bpftest.Root)
	bpftest.NoLeaks(t)
	m, err := ebpf.NewMap(spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	d, err := mapdata.New(m, mapdata.Names{})
	if err != nil {
		t.Fatal(err)
	}
	return m, d
}

func dump(t testing.TB, d *mapdata.Map, asJSON bool) string {
	t.Helper()
	var b strings.Builder
	if _, err := d.Dump(&b, asJSON); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestLoadDump: what is dumped, is loaded again as the same.
func TestLoadDump(t *testing.T) {
	cpus := ebpf.MustPossibleCPU()
	perCPU := `{"key":1,"values":[{"cpu":0,"value":{"packets":1,"bytes":2}}`
	for cpu := 1; cpu < cpus; cpu++ {
		perCPU += fmt.Sprintf(`,{"cpu":%d,"value":{"packets":0,"bytes":0}}`, cpu)
	}
	perCPU += `],"sum":{"packets":1,"bytes":2}}` + "\n"
	values := func(set, value int) string { // of the first CPUs, and of the others 0
		sum := set * value
		out := `{"key":1,"values":[`
		for cpu := range cpus {
			if cpu > 0 {
				out += ","
			}
			if cpu == set {
				value = 0
			}
			out += fmt.Sprintf(`{"cpu":%d,"value":%d}`, cpu, value)
		}
		return out + fmt.Sprintf(`],"sum":%d}`, sum) + "\n"
	}
	for _, tt := range []struct {
		name string
		spec ebpf.MapSpec
		in   string
		want string // the same if empty
		text string
	}{
		{
			name: "hash",
			spec: ebpf.MapSpec{Type: ebpf.Hash, Key: u32, Value: stats, KeySize: 4, ValueSize: 16, MaxEntries: 4},
			in:   `{"key":1,"value":{"packets":1,"bytes":2}}` + "\n",
			text: `1: {"packets":1,"bytes":2}` + "\n",
		},
		{
			name: "array",
			spec: ebpf.MapSpec{Type: ebpf.Array, Key: u32, Value: u64, KeySize: 4, ValueSize: 8, MaxEntries: 2},
			in:   "\n" + `{"key":1,"value":7}`,
			want: `{"key":0,"value":0}` + "\n" + `{"key":1,"value":7}` + "\n",
			text: "0: 0\n1: 7\n",
		},
		{
			name: "address",
			spec: ebpf.MapSpec{Type: ebpf.Hash, Key: address, Value: u32, KeySize: 4, ValueSize: 4, MaxEntries: 2},
			in:   "key , value\n192.0.2.1, 0x10\n",
			want: `{"key":"192.0.2.1","value":16}` + "\n",
			text: "\"192.0.2.1\": 16\n",
		},
		{
			name: "CSV with a byte order mark",
			spec: ebpf.MapSpec{Type: ebpf.Hash, Key: u32, Value: u64, KeySize: 4, ValueSize: 8, MaxEntries: 2},
			in:   "\ufeffkey,value\r\n1,7\r\n",
			want: `{"key":1,"value":7}` + "\n",
		},
		{
			name: "JSON with a byte order mark",
			spec: ebpf.MapSpec{Type: ebpf.Hash, Key: u32, Value: u64, KeySize: 4, ValueSize: 8, MaxEntries: 2},
			in:   "\ufeff" + `{"key":1,"value":7}` + "\n",
			want: `{"key":1,"value":7}` + "\n",
		},
		{
			name: "CSV of members",
			spec: ebpf.MapSpec{Type: ebpf.Hash, Key: u32, Value: stats, KeySize: 4, ValueSize: 16, MaxEntries: 4},
			in:   "value.bytes,key\n# a comment\n5,1\n",
			want: `{"key":1,"value":{"packets":0,"bytes":5}}` + "\n",
			text: `1: {"packets":0,"bytes":5}` + "\n",
		},
		{
			name: "without types",
			spec: ebpf.MapSpec{Type: ebpf.Hash, KeySize: 4, ValueSize: 2, MaxEntries: 4},
			in:   `{"key":"0x01020304","value":"0x0506"}` + "\n",
			text: `"0x01020304": "0x0506"` + "\n",
		},
		{
			name: "per CPU",
			spec: ebpf.MapSpec{Type: ebpf.PerCPUHash, Key: u32, Value: stats, KeySize: 4, ValueSize: 16, MaxEntries: 4},
			in:   perCPU,
		},
		{
			name: "every CPU by JSON",
			spec: ebpf.MapSpec{Type: ebpf.PerCPUHash, Key: u32, Value: u32, KeySize: 4, ValueSize: 4, MaxEntries: 4},
			in:   `{"key":1,"value":7}`,
			want: values(cpus, 7),
		},
		{
			name: "every CPU by CSV",
			spec: ebpf.MapSpec{Type: ebpf.PerCPUHash, Key: u32, Value: u32, KeySize: 4, ValueSize: 4, MaxEntries: 4},
			in:   "key,value\n1,7\n",
			want: values(cpus, 7),
		},
		{
			name: "one CPU after all",
			spec: ebpf.MapSpec{Type: ebpf.PerCPUHash, Key: u32, Value: u32, KeySize: 4, ValueSize: 4, MaxEntries: 4},
			in:   `{"key":1,"value":7,"values":[{"cpu":0,"value":1}]}`,
			want: values(1, 1),
		},
		{
			name: "trie",
			spec: ebpf.MapSpec{Type: ebpf.LPMTrie, KeySize: 8, ValueSize: 4, MaxEntries: 4, Flags: 1, Value: u32, Key: &btf.Struct{Size: 8, Members: []btf.Member{
				{Name: "prefixlen", Type: u32}, {Name: "data", Type: address, Offset: 32},
			}}},
			in:   `{"key":{"prefixlen":24,"data":"192.0.2.0"},"value":1}`,
			want: `{"key":"192.0.2.0/24","value":1}` + "\n",
			text: `"192.0.2.0/24": 1` + "\n",
		},
		{
			name: "trie without types",
			spec: ebpf.MapSpec{Type: ebpf.LPMTrie, KeySize: 20, ValueSize: 4, MaxEntries: 4, Flags: 1},
			in:   "key,value\n2001:db8::/32,0x00000001\n",
			want: `{"key":"2001:db8::/32","value":"0x00000001"}` + "\n",
		},
		{name: "nothing", spec: ebpf.MapSpec{Type: ebpf.Hash, KeySize: 4, ValueSize: 2, MaxEntries: 4}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := tt.want
			if want == "" {
				want = tt.in
			}
			_, d := newMap(t, &tt.spec)
			if _, err := d.Load(t.Context(), strings.NewReader(tt.in), nil); err != nil {
				t.Fatal(err)
			}
			got := dump(t, d, true)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if text := dump(t, d, false); tt.text != "" && text != tt.text {
				t.Errorf("text %q, want %q", text, tt.text)
			}
			_, again := newMap(t, &tt.spec)
			if _, err := again.Load(t.Context(), strings.NewReader(got), nil); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(got, dump(t, again, true)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLoadErrors(t *testing.T) {
	spec := &ebpf.MapSpec{Type: ebpf.Hash, Key: u32, Value: stats, KeySize: 4, ValueSize: 16, MaxEntries: 2}
	line := func(key int) string { return fmt.Sprintf(`{"key":%d,"value":{"packets":1}}`+"\n", key) }
	for _, tt := range []struct {
		name, in, want string
		n              int
	}{
		{name: "no JSON", in: line(1) + "x\n", want: `line 2: "x\n" where an object is expected`},
		{name: "no key", in: `{"value":{}}`, want: `line 1: no key`},
		{name: "no value", in: `{"key":1}`, want: `line 1: no value`},
		{name: "other member", in: `{"key":1,"val":{}}`, want: `line 1: no member "val" in an entry: it has key and value, as -json map dump prints them`},
		{name: "value", in: "\n\n" + `{"key":1,"value":{"packets":"x"}}`, want: `line 3: value: packets: "x" is not a number`},
		{name: "behind", in: `{"key":1,"value":{}} {}`, want: `line 1: "{}" after the entry`},
		{name: "CPUs", in: `{"key":1,"values":[{"cpu":0,"value":{}}]}`, want: `line 1: values: the map has one value for all CPUs`},
		{name: "full", in: line(1) + line(2) + line(3) + line(4), want: `line 3: no room for the entry, the map holds 2: argument list too long`, n: 2},
		{name: "long line", in: "{" + strings.Repeat(" ", 1<<20+1), want: `line 1: longer than 1048576 bytes`},
		{name: "JSON array", in: "\n" + `[{"key":1,"value":{}}]`, want: `a JSON array: give one object {"key":…,"value":…} a line, as -json map dump prints them and jq -c '.[]' makes them`},
		{name: "text of a dump", in: "1: 7\n", want: `line 1: no column "1: 7": CSV begins with a line that names the columns, such as "key,value" or "key,value.packets,value.bytes"; of map dump, what it prints with -json can be read`},
		{name: "no header", in: "1,2\n", want: `line 1: no column "1": CSV begins with a line that names the columns, such as "key,value" or "key,value.packets,value.bytes"; of map dump, what it prints with -json can be read`},
		{name: "no value column", in: "key\n1\n", want: `line 1: CSV begins with a line that names the columns, such as "key,value" or "key,value.packets,value.bytes"; of map dump, what it prints with -json can be read`},
		{name: "no such column", in: "key,value.x\n1,2\n", want: `line 1: column "value.x": no member "x", there are packets, bytes`},
		{name: "long record", in: "key,value.bytes\n1,2\n1," + strings.Repeat("7", 2<<20), want: `line 3: longer than 1048576 bytes`},
		{name: "long field", in: "key,value.bytes\n\"" + strings.Repeat("7\n", 1<<20), want: `line 2: longer than 1048576 bytes`},
		{name: "fields", in: "\n\nkey,value.bytes\n1,2,3\n", want: `line 4: wrong number of fields`},
		{name: "CSV value", in: "key,value.bytes\n1,2\n1,x\n", want: `line 3: column value.bytes: "x" is not a number`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, d := newMap(t, spec)
			n, err := d.Load(t.Context(), strings.NewReader(tt.in), nil)
			if err == nil || err.Error() != tt.want || n != tt.n {
				t.Errorf("%d set, %v; want %d, %s", n, err, tt.n, tt.want)
			}
		})
	}
}

// TestEndless: what has no end is not kept.
func TestEndless(t *testing.T) {
	spec := &ebpf.MapSpec{Type: ebpf.Hash, Key: u32, Value: u32, KeySize: 4, ValueSize: 4, MaxEntries: 2}
	for _, begin := range []string{"{", "key,value\n1,", "key,value\n\"", "key,", "#"} {
		_, d := newMap(t, spec)
		in := &endless{text: begin}
		n, err := d.Load(t.Context(), in, nil)
		if n != 0 || err == nil || !strings.HasSuffix(err.Error(), "longer than 1048576 bytes") {
			t.Errorf("%q: %d set, %.200v", begin, n, err)
		}
		if in.read > 4<<20 {
			t.Errorf("%q: %d bytes were read", begin, in.read)
		}
	}
}

// endless is a text with the digit 7 behind it for ever.
type endless struct {
	text string
	read int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.text)
	e.text = e.text[n:]
	for i := range p[n:] {
		p[n+i] = '7'
	}
	e.read += len(p)
	return len(p), nil
}

// TestBlank: white space before the entries may be longer than a line.
func TestBlank(t *testing.T) {
	spec := &ebpf.MapSpec{Type: ebpf.Hash, Key: u32, Value: u32, KeySize: 4, ValueSize: 4, MaxEntries: 2}
	blank := strings.Repeat(" ", 3<<20) + "\n\t"
	for _, in := range []string{`{"key":1,"value":2}` + "\nx", "key,value\n1,2\n1,x"} {
		_, d := newMap(t, spec)
		n, err := d.Load(t.Context(), strings.NewReader(blank+in), nil)
		if want := fmt.Sprintf("line %d: ", 2+strings.Count(in, "\n")); n != 0 || err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%d set, %v; want %s", n, err, want)
		}
	}
}

// TestRefused: of a batch that the kernel refuses as a whole nothing is set.
func TestRefused(t *testing.T) {
	m, d := newMap(t, &ebpf.MapSpec{Type: ebpf.Array, Key: u32, Value: u32, KeySize: 4, ValueSize: 4, MaxEntries: 2})
	if err := m.Freeze(); err != nil {
		t.Fatal(err)
	}
	n, err := d.Load(t.Context(), strings.NewReader("key,value\n0,1\n1,1\n"), nil)
	if n != 0 || !errors.Is(err, unix.EPERM) || !strings.HasPrefix(err.Error(), "line 2: ") {
		t.Errorf("%d set, %v", n, err)
	}
}

// TestPerCPU: each CPU has its value where the kernel looks for it, which pads
// them to 8 bytes.
func TestPerCPU(t *testing.T) {
	m, d := newMap(t, &ebpf.MapSpec{Type: ebpf.PerCPUHash, Key: u32, Value: u32, KeySize: 4, ValueSize: 4, MaxEntries: 4})
	if _, err := d.Load(t.Context(), strings.NewReader(`{"key":1,"value":7}`), nil); err != nil {
		t.Fatal(err)
	}
	var got []uint32
	if err := m.Lookup(uint32(1), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(slices.Repeat([]uint32{7}, ebpf.MustPossibleCPU()), got); diff != "" {
		t.Error(diff)
	}
}

// TestNoCPU: a CPU that the machine does not have has no value.
func TestNoCPU(t *testing.T) {
	_, d := newMap(t, &ebpf.MapSpec{Type: ebpf.PerCPUHash, Key: u32, Value: u32, KeySize: 4, ValueSize: 4, MaxEntries: 4})
	cpus := ebpf.MustPossibleCPU()
	for _, cpu := range []int{-1, cpus} {
		in := fmt.Sprintf(`{"key":1,"values":[{"cpu":%d,"value":1}]}`, cpu)
		want := fmt.Sprintf("line 1: values: no CPU %d, there are %d", cpu, cpus)
		if n, err := d.Load(t.Context(), strings.NewReader(in), nil); err == nil || err.Error() != want || n != 0 {
			t.Errorf("%d set, %v; want 0, %s", n, err, want)
		}
	}
}

func TestEntries(t *testing.T) {
	_, d := newMap(t, &ebpf.MapSpec{Type: ebpf.PerCPUHash, Key: u32, Value: u64, KeySize: 4, ValueSize: 8, MaxEntries: 2})
	if err := d.Set("0x5", mapdata.Assignment{Value: "7"}); err != nil {
		t.Fatal(err)
	}
	entry, err := d.Get("5")
	if err != nil {
		t.Fatal(err)
	}
	b, err := entry.MarshalJSON()
	if want := fmt.Sprintf(`"sum":%d}`, 7*ebpf.MustPossibleCPU()); err != nil || !strings.HasSuffix(string(b), want) {
		t.Errorf("got %s, %v, want …%s", b, err, want)
	}
	if err := d.Delete("5"); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{d.Delete("5"), func() error { _, err := d.Get("5"); return err }()} {
		if err == nil || err.Error() != "key 5: key does not exist" {
			t.Errorf("without the entry: %v", err)
		}
	}
	if err := d.Set("x", mapdata.Assignment{Value: "1"}); err == nil || err.Error() != `key: "x" is not a number` {
		t.Errorf("got %v", err)
	}
	if err := d.Set("1", mapdata.Assignment{Value: "[1"}); err == nil || !strings.HasPrefix(err.Error(), "value: ") {
		t.Errorf("got %v", err)
	}
}

// TestSetPart: what is not named stays as it is, on each CPU its own, and is zero in a new
// entry.
func TestSetPart(t *testing.T) {
	packets := func(n int) mapdata.Assignment { return mapdata.Assignment{Member: "packets", Value: fmt.Sprint(n)} }
	for _, typ := range []ebpf.MapType{ebpf.Hash, ebpf.LRUHash, ebpf.Array, ebpf.PerCPUHash, ebpf.PerCPUArray, ebpf.LRUCPUHash} {
		for _, change := range []mapdata.Assignment{packets(9), {Value: `{"packets":9}`}} {
			t.Run(typ.String(), func(t *testing.T) {
				_, d := newMap(t, &ebpf.MapSpec{Type: typ, Key: u32, Value: stats, KeySize: 4, ValueSize: 16, MaxEntries: 2})
				if _, err := d.Load(t.Context(), strings.NewReader(bytesOfCPUs(t, typ, "packets", 1)), nil); err != nil {
					t.Fatal(err)
				}
				if err := d.Set("1", change); err != nil {
					t.Fatal(err)
				}
				got := ""
				for line := range strings.Lines(dump(t, d, true)) {
					if strings.HasPrefix(line, `{"key":1,`) {
						got, _, _ = strings.Cut(line, `,"sum"`)
					}
				}
				want, _, _ := strings.Cut(bytesOfCPUs(t, typ, "packets", 9), "}\n")
				if strings.TrimSuffix(got, "}\n") != want {
					t.Errorf("got %s, want %s", got, want)
				}
			})
		}
	}
	_, d := newMap(t, &ebpf.MapSpec{Type: ebpf.Hash, Key: u32, Value: stats, KeySize: 4, ValueSize: 16, MaxEntries: 2})
	if err := d.Set("5", packets(3)); err != nil {
		t.Fatal(err)
	}
	if got, want := dump(t, d, false), "5: {\"packets\":3,\"bytes\":0}\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// bytesOfCPUs is entry 1, of which every CPU has other bytes.
func bytesOfCPUs(t *testing.T, typ ebpf.MapType, member string, n int) string {
	t.Helper()
	if typ != ebpf.PerCPUHash && typ != ebpf.PerCPUArray && typ != ebpf.LRUCPUHash {
		return fmt.Sprintf(`{"key":1,"value":{%q:%d,"bytes":7}}`+"\n", member, n)
	}
	values := make([]string, ebpf.MustPossibleCPU())
	for cpu := range values {
		values[cpu] = fmt.Sprintf(`{"cpu":%d,"value":{%q:%d,"bytes":%d}}`, cpu, member, n, 100+cpu)
	}
	return `{"key":1,"values":[` + strings.Join(values, ",") + "]}\n"
}

// TestSetMapped: of a map in memory only what is named is written, not the rest as it was a
// moment before.
func TestSetMapped(t *testing.T) {
	m, d := newMap(t, &ebpf.MapSpec{
		Type: ebpf.Array, Flags: unix.BPF_F_MMAPABLE, Key: u32, Value: stats, KeySize: 4, ValueSize: 16, MaxEntries: 1,
	})
	memory, err := unix.Mmap(m.FD(), 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	stop, lost := make(chan bool), make(chan uint64)
	go func() { // as a program that counts
		var n, gone uint64
		for {
			select {
			case <-stop:
				lost <- gone
				return
			default:
			}
			if binary.NativeEndian.Uint64(memory) != n {
				gone++
			}
			n++
			binary.NativeEndian.PutUint64(memory, n)
		}
	}()
	for i := range 2000 {
		if err := d.Set("0", mapdata.Assignment{Member: "bytes", Value: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	if n := <-lost; n > 0 {
		t.Errorf("%d changes of another member were taken back", n)
	}
	if got := binary.NativeEndian.Uint64(memory[8:]); got != 1999 {
		t.Errorf("the member is %d", got)
	}
	if err := unix.Munmap(memory); err != nil {
		t.Error(err)
	}
	if err := d.Set("1", mapdata.Assignment{Member: "bytes", Value: "1"}); !errors.Is(err, unix.E2BIG) {
		t.Errorf("beyond the end: %v", err)
	}
}

// TestSetFrozen: constants cannot be set, and it is told why.
func TestSetFrozen(t *testing.T) {
	m, d := newMap(t, &ebpf.MapSpec{Type: ebpf.Array, Key: u32, Value: stats, KeySize: 4, ValueSize: 16, MaxEntries: 1})
	if err := m.Freeze(); err != nil {
		t.Fatal(err)
	}
	err := d.Set("0", mapdata.Assignment{Member: "bytes", Value: "5"})
	if !errors.Is(err, unix.EPERM) || !strings.Contains(err.Error(), "the map is frozen") {
		t.Errorf("got %v", err)
	}
}

// TestTables: the values of arrays of programs and maps are ids.
func TestTables(t *testing.T) {
	inner := &ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1}
	_, d := newMap(t, &ebpf.MapSpec{Type: ebpf.ArrayOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 2, InnerMap: inner})
	m, _ := newMap(t, inner)
	info, err := m.Info()
	if err != nil {
		t.Fatal(err)
	}
	id, _ := info.ID()
	if err := d.Set("1", mapdata.Assignment{Value: fmt.Sprint(id)}); err != nil {
		t.Fatal(err)
	}
	if got, want := dump(t, d, false), fmt.Sprintf("1: %d\n", id); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := d.Set("1", mapdata.Assignment{Value: "4294967295"}); err == nil || !strings.Contains(err.Error(), "map id 4294967295") {
		t.Errorf("got %v", err)
	}
}

func TestNoEntries(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.RingBuf, MaxEntries: uint32(os.Getpagesize())})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if _, err := mapdata.New(m, mapdata.Names{}); err == nil {
		t.Error("a ring has entries")
	}
}

// TestQueues: values without keys come out in the order of their kind.
func TestQueues(t *testing.T) {
	value := func(word string) mapdata.Assignment { return mapdata.Assignment{Value: word} }
	for typ, want := range map[ebpf.MapType]string{
		ebpf.Queue: `{"value":"0x0001"} "0x0001"` + "\n" + ` "0x0002"` + "\n",
		ebpf.Stack: `{"value":"0x0002"} "0x0002"` + "\n" + ` "0x0001"` + "\n",
	} {
		t.Run(typ.String(), func(t *testing.T) {
			_, d := newMap(t, &ebpf.MapSpec{Type: typ, ValueSize: 2, MaxEntries: 2})
			for _, n := range []string{"0x0001", "0x0002"} {
				if err := d.Push(value(n)); err != nil {
					t.Fatal(err)
				}
			}
			if err := d.Push(value("0x0003")); !errors.Is(err, unix.E2BIG) || !strings.Contains(err.Error(), "it is full, with 2 values") {
				t.Errorf("a third: %v", err)
			}
			peeked, err := d.Peek()
			if err != nil {
				t.Fatal(err)
			}
			b, err := peeked.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			got := string(b)
			for range 2 {
				v, err := d.Pop()
				if err != nil {
					t.Fatal(err)
				}
				got += " " + string(v.AppendText(nil))
			}
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if _, err := d.Pop(); !errors.Is(err, ebpf.ErrKeyNotExist) {
				t.Errorf("of nothing: %v", err)
			}
			if err := d.Set("0", value("1")); err == nil || !strings.Contains(err.Error(), "push, pop and peek") {
				t.Errorf("by key: %v", err)
			}
			if _, err := d.Has(value("0x0001")); err == nil {
				t.Error("it was asked for a value")
			}
		})
	}
}

func TestBloomFilter(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.BloomFilter)
	_, d := newMap(t, &ebpf.MapSpec{Type: ebpf.BloomFilter, ValueSize: 4, MaxEntries: 100})
	if err := d.Push(mapdata.Assignment{Value: "0x01020304"}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Has(mapdata.Assignment{Value: "0x01020304"}); err != nil {
		t.Error(err)
	}
	absent := 0
	for i := range 20 {
		if _, err := d.Has(mapdata.Assignment{Value: fmt.Sprintf("0x%08x", 0xff000000+i)}); errors.Is(err, ebpf.ErrKeyNotExist) {
			absent++
		}
	}
	if absent == 0 {
		t.Error("every value may be in it")
	}
	if _, err := d.Pop(); err == nil {
		t.Error("a value was taken")
	}
	if _, err := d.Dump(io.Discard, true); err == nil || !strings.Contains(err.Error(), "does not know its values") {
		t.Errorf("dump: %v", err)
	}
}

func TestKeyed(t *testing.T) {
	_, d := newMap(t, &ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if err := d.Push(mapdata.Assignment{Value: "0x00000000"}); err == nil || !strings.Contains(err.Error(), "have keys") {
		t.Errorf("got %v", err)
	}
}

// TestRedirects: the entries of maps for redirects have the kernel's structures, with
// devices and programs by name.
func TestRedirects(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	lo := mapdata.Names{
		Device: func(name string) (uint32, error) {
			if name != "lo" {
				return 0, errors.New("no such device")
			}
			return 1, nil
		},
		Ifindex: func(n uint32) (string, bool) { return "lo", n == 1 },
	}
	for _, tt := range []struct {
		name        string
		typ         ebpf.MapType
		size        uint32
		attach      ebpf.AttachType
		value, want string
	}{
		{"devmap", ebpf.DevMap, 4, 0, `lo`, `{"key":0,"value":"lo"}`},
		{"devmap by number", ebpf.DevMap, 4, 0, `1`, `{"key":0,"value":"lo"}`},
		{"devmap without a program", ebpf.DevMap, 8, 0, `{"ifindex":"lo"}`, `{"key":0,"value":{"ifindex":"lo","prog":0}}`},
		{"devmap with a program", ebpf.DevMapHash, 8, ebpf.AttachXDPDevMap, `{"ifindex":"lo","prog":"pinned it"}`, `{"key":0,"value":{"ifindex":"lo","prog":ID}}`},
		{"cpumap", ebpf.CPUMap, 4, 0, `192`, `{"key":0,"value":192}`},
		{"cpumap with a program", ebpf.CPUMap, 8, ebpf.AttachXDPCPUMap, `{"qsize":512,"prog":"pinned it"}`, `{"key":0,"value":{"qsize":512,"prog":ID}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			names, id := lo, ""
			if tt.attach != 0 {
				p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
					Type: ebpf.XDP, AttachType: tt.attach, License: "MIT",
					Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 2), asm.Return()},
				})
				if err != nil {
					t.Fatal(err)
				}
				defer p.Close()
				info, err := p.Info()
				if err != nil {
					t.Fatal(err)
				}
				n, _ := info.ID()
				id = fmt.Sprint(n)
				names.Program = func(words string) (uint32, error) { return uint32(n), wantWords(words) }
			}
			spec := &ebpf.MapSpec{Type: tt.typ, KeySize: 4, ValueSize: tt.size, MaxEntries: 2}
			open := func() *mapdata.Map {
				m, err := ebpf.NewMap(spec)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { m.Close() })
				d, err := mapdata.New(m, names)
				if err != nil {
					t.Fatal(err)
				}
				return d
			}
			d, again := open(), open()
			if err := d.Set("0", mapdata.Assignment{Value: tt.value}); err != nil {
				t.Fatal(err)
			}
			want := strings.ReplaceAll(tt.want, "ID", id) + "\n"
			got := dump(t, d, true)
			if got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			if _, err := again.Load(t.Context(), strings.NewReader(got), nil); err != nil {
				t.Fatal(err)
			}
			if got := dump(t, again, true); got != want {
				t.Errorf("loaded again: got %s, want %s", got, want)
			}
		})
	}
}

func wantWords(words string) error {
	if words != "pinned it" {
		return fmt.Errorf("got %q", words)
	}
	return nil
}

// TestMigrate: entries by the names of their members, with the value of each CPU its own.
func TestMigrate(t *testing.T) {
	in := func(name string, members ...string) *btf.Struct { // of __u32
		s := &btf.Struct{Name: name, Size: uint32(4 * len(members))}
		for i, m := range members {
			s.Members = append(s.Members, btf.Member{Name: m, Type: u32, Offset: btf.Bits(32 * i)})
		}
		return s
	}
	spec := func(typ ebpf.MapType, key, value *btf.Struct) *ebpf.MapSpec {
		return &ebpf.MapSpec{Type: typ, Key: key, Value: value, KeySize: key.Size, ValueSize: value.Size, MaxEntries: 4}
	}
	for _, tt := range []struct {
		name     string
		from, to *ebpf.MapSpec
		want     string // of key and value {"a":1,"b":2}
		report   mapdata.Migration
		err      string
	}{
		{
			name: "order", from: spec(ebpf.Hash, in("k", "a", "b"), in("v", "a", "b")), to: spec(ebpf.Hash, in("k", "b", "a"), in("v", "b", "a")),
			want: `{"key":{"b":2,"a":1},"value":{"b":2,"a":1}}`,
		},
		{
			name: "growth", from: spec(ebpf.Hash, in("k", "a", "b"), in("v", "a", "b")), to: spec(ebpf.LRUHash, in("k", "a", "x", "b"), in("v", "y", "a")),
			want:   `{"key":{"a":1,"x":0,"b":2},"value":{"y":0,"a":1}}`,
			report: mapdata.Migration{Dropped: []string{"value.b"}, Added: []string{"key.x", "value.y"}},
		},
		{
			name: "lost key", from: spec(ebpf.Hash, in("k", "a", "b"), in("v", "a", "b")), to: spec(ebpf.Hash, in("k", "a"), in("v", "a", "b")),
			err: "the object's keys have no b, without which keys could be the same: use recreate",
		},
		{
			name: "for each CPU or not", from: spec(ebpf.Hash, in("k", "a", "b"), in("v", "a", "b")), to: spec(ebpf.PerCPUHash, in("k", "a", "b"), in("v", "a", "b")),
			err: "only one of them has a value for each CPU",
		},
		{
			name: "without types", from: spec(ebpf.Hash, in("k", "a", "b"), in("v", "a", "b")), to: &ebpf.MapSpec{Type: ebpf.Hash, KeySize: 8, ValueSize: 4, MaxEntries: 4},
			err: "entries have 8+8 bytes there, 8+4 bytes in the object, and no members of the same names: use recreate",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, from := newMap(t, tt.from)
			_, to := newMap(t, tt.to)
			if _, err := from.Load(t.Context(), strings.NewReader(`{"key":{"a":1,"b":2},"value":{"a":1,"b":2}}`), nil); err != nil {
				t.Fatal(err)
			}
			report, err := mapdata.Migrate(from, to)
			if tt.err != "" {
				if err == nil || err.Error() != tt.err {
					t.Errorf("got %v, want %s", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.report, report); diff != "" {
				t.Error(diff)
			}
			if got := dump(t, to, true); got != tt.want+"\n" {
				t.Errorf("got %s", got)
			}
		})
	}
	_, from := newMap(t, &ebpf.MapSpec{Type: ebpf.PerCPUHash, Key: u32, Value: stats, KeySize: 4, ValueSize: 16, MaxEntries: 4})
	_, to := newMap(t, spec(ebpf.PerCPUHash, in("k", "a"), in("v", "bytes")))
	if _, err := mapdata.Migrate(from, to); err == nil {
		t.Error("a number became a structure")
	}
	_, to = newMap(t, &ebpf.MapSpec{Type: ebpf.PerCPUHash, Key: u32, Value: in("v", "bytes"), KeySize: 4, ValueSize: 4, MaxEntries: 4})
	if _, err := from.Load(t.Context(), strings.NewReader(bytesOfCPUs(t, ebpf.PerCPUHash, "packets", 1)), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := mapdata.Migrate(from, to); err != nil {
		t.Fatal(err)
	}
	got, last := dump(t, to, true), ebpf.MustPossibleCPU()-1
	if want := fmt.Sprintf(`{"cpu":%d,"value":{"bytes":%d}}]`, last, 100+last); !strings.Contains(got, want) {
		t.Errorf("got %s, want …%s", got, want)
	}
}

// hashOf is the hash of a key in a map with [unix.BPF_F_ZERO_SEED]: jhash2 of
// include/linux/jhash.h, of one word.
func hashOf(key uint32) uint32 {
	a, b, c := uint32(0xdeadbeef+4)+key, uint32(0xdeadbeef+4), uint32(0xdeadbeef+4)
	for _, mix := range []struct {
		x, y *uint32
		by   int
	}{{&c, &b, 14}, {&a, &c, 11}, {&b, &a, 25}, {&c, &b, 16}, {&a, &c, 4}, {&b, &a, 14}, {&c, &b, 24}} {
		*mix.x = (*mix.x ^ *mix.y) - bits.RotateLeft32(*mix.y, mix.by)
	}
	return c
}

// TestFullBucket: entries of one bucket, which the kernel gives only together, are all
// there also when they are more than a batch has.
func TestFullBucket(t *testing.T) {
	const buckets, valueSize = 1024, 4096
	m, d := newMap(t, &ebpf.MapSpec{Type: ebpf.Hash, Flags: unix.BPF_F_ZERO_SEED | unix.BPF_F_NO_PREALLOC, KeySize: 4, ValueSize: valueSize, MaxEntries: buckets})
	want := make(map[uint32]bool)
	for key := uint32(0); len(want) < 300; key++ { // a batch has 64
		if hashOf(key)%buckets != 7 {
			continue
		}
		if err := m.Put(key, make([]byte, valueSize)); err != nil {
			t.Fatal(err)
		}
		want[key] = true
	}
	keys := make([]byte, 64*4)
	walk := sys.Batch{FD: m.FD(), KeySize: 4}
	if n, err := walk.Lookup(keys, make([]byte, 64*valueSize), 64); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("the keys are not of one bucket: %d of them, %v", n, err)
	}
	err := d.Each(func(key, _ []byte) error {
		if k := binary.NativeEndian.Uint32(key); want[k] {
			delete(want, k)
			return nil
		}
		return fmt.Errorf("key %x is not there, or twice", key)
	})
	if err != nil || len(want) > 0 {
		t.Errorf("%d keys are missing: %v", len(want), err)
	}
}

// TestMany goes through several batches, and a hash whose buckets are full.
func TestMany(t *testing.T) {
	const n = 100_000
	_, d := newMap(t, &ebpf.MapSpec{Type: ebpf.Hash, Key: u32, Value: u64, KeySize: 4, ValueSize: 8, MaxEntries: n})
	var in strings.Builder
	for i := range n {
		fmt.Fprintf(&in, `{"key":%d,"value":%d}`+"\n", i, 3*i)
	}
	last := 0
	got, err := d.Load(t.Context(), strings.NewReader(in.String()), func(n int) { last = n })
	if got != n || err != nil || last != n {
		t.Fatalf("%d set, %d reported, %v", got, last, err)
	}
	seen := make(map[string]bool, n)
	for line := range strings.Lines(dump(t, d, true)) {
		seen[strings.TrimSpace(line)] = true
	}
	for i := range n {
		if !seen[fmt.Sprintf(`{"key":%d,"value":%d}`, i, 3*i)] {
			t.Fatalf("entry %d is missing among %d", i, len(seen))
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Load(ctx, strings.NewReader(in.String()), nil); err == nil {
		t.Error("a canceled load ends without an error")
	}
}
