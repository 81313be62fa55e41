package insn

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/cilium/ebpf/asm"
)

// Helpers is the number of the last helper that is known. From Linux 6.3 on
// the kernel adds kernel functions instead.
const Helpers = int32(asm.FnCgrpStorageDelete)

// HelperName returns the name of a helper, such as "bpf_map_lookup_elem", or ""
// when the number is not known: in [asm], which has the list __BPF_FUNC_MAPPER of
// include/uapi/linux/bpf.h, that one is FnMapLookupElem.
func HelperName(number int32) string {
	if number <= 0 || number > Helpers {
		return ""
	}
	var b strings.Builder
	b.WriteString("bpf")
	for _, r := range strings.TrimPrefix(asm.BuiltinFunc(number).String(), "Fn") {
		if unicode.IsUpper(r) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// HelperText is [HelperName], and for a number that is not known "helper#" and the number.
func HelperText(number int32) string {
	if name := HelperName(number); name != "" {
		return name
	}
	return "helper#" + strconv.Itoa(int(number))
}

// HelperNumber returns the number of the helper with the name.
func HelperNumber(name string) (int32, bool) {
	if !strings.HasPrefix(name, "bpf_") {
		return 0, false
	}
	symbol := []byte("Fn")
	for i := len("bpf_"); i < len(name); i++ {
		if name[i-1] == '_' {
			symbol = append(symbol, byte(unicode.ToUpper(rune(name[i]))))
		} else if name[i] != '_' {
			symbol = append(symbol, name[i])
		}
	}
	for n := int32(1); n <= Helpers; n++ {
		if asm.BuiltinFunc(n).String() == string(symbol) {
			return n, HelperName(n) == name
		}
	}
	return 0, false
}
