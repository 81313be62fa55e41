package load

import (
	"strings"
	"testing"
)

// TestAddressIn: as /proc/kallsyms has them, which shows no addresses to all.
func TestAddressIn(t *testing.T) {
	const table = `0000000000000000 A fixed_percpu_data
ffffffff81000000 T _text
ffffffffc0a01000 r nf_text	[nf_tables]
ffffffffc0a02000 b nf_count [nf_tables]
`
	for _, tt := range []struct {
		name, module string
		address      uint64
		missing      bool
	}{
		{name: "_text", address: 0xffffffff81000000},
		{name: "nf_count", module: "nf_tables", address: 0xffffffffc0a02000},
		{name: "fixed_percpu_data"},
		{name: "count", missing: true},
		{name: "nf_tables", missing: true},
	} {
		address, module, err := addressIn(strings.NewReader(table), tt.name)
		if address != tt.address || module != tt.module || (err != nil) != tt.missing {
			t.Errorf("%s: %#x of %q, %v", tt.name, address, module, err)
		}
	}
}
