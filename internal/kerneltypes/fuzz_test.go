package kerneltypes

import (
	"os"
	"testing"
)

// FuzzDecode: what is not BTF is an error, never a panic.
func FuzzDecode(f *testing.F) {
	small := []byte{
		0x9f, 0xeb, 1, 0, 24, 0, 0, 0, 0, 0, 0, 0, 40, 0, 0, 0, 40, 0, 0, 0, 7, 0, 0, 0,
		1, 0, 0, 0, 1, 0, 0, 4, 4, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0,
		5, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0, 32, 0, 0, 0,
		0, 's', 0, 'm', 0, 'i', 0,
	}
	f.Add(small, "s")
	f.Add(small, "i")
	if b, err := os.ReadFile("/sys/kernel/btf/veth"); err == nil {
		f.Add(b, "veth_priv")
	}
	f.Fuzz(func(_ *testing.T, raw []byte, name string) {
		b, err := parse(raw)
		if err != nil {
			return
		}
		_, _ = decode(b, want([]string{name, "s"}))
	})
}
