package arm64

import "fmt"

// extra returns the text of an instruction that golang.org/x/arch v0.32.0 does not
// know, or has no name for, and "" for others: Arm Architecture Reference Manual for
// A-profile, chapter C4.
func extra(word uint32) string {
	for _, known := range [...]struct {
		word uint32
		text string
	}{
		{0xd503245f, "bti c"},
		{0xd503249f, "bti j"},
		{0xd50324df, "bti jc"},
		{0xd503233f, "paciasp"},
		{0xd50323bf, "autiasp"},
		{0xd503229f, "csdb"},
		{0xd50322df, "clearbhb"},
		{0xd50330ff, "sb"},
	} {
		if word == known.word {
			return known.text
		}
	}
	switch {
	case word>>16 == 0:
		return fmt.Sprintf("udf #%#x", word)
	case word&0x3f200c00 == 0x38200000:
		return atomic(word)
	case word&0x3fa07c00 == 0x08a07c00:
		return operation("cas", word, word>>22&1, word>>15&1) + registers(word, word&31)
	}
	return systemRegister(word)
}

// atomic reads "atomic memory operations", which came with the large system extensions.
func atomic(word uint32) string {
	names := [...]string{"add", "clr", "eor", "set", "smax", "smin", "umax", "umin"}
	swap, code := word>>15&1, word>>12&7
	acquire, release, target := word>>23&1, word>>22&1, word&31
	switch {
	case swap == 1 && code == 0:
		return operation("swp", word, acquire, release) + registers(word, target)
	case swap == 1:
		return ""
	case target == zero && acquire == 0:
		return operation("st"+names[code], word, 0, release) + registers(word, none)
	}
	return operation("ld"+names[code], word, acquire, release) + registers(word, target)
}

// zero is the number of the register that is always zero, or of the stack
// pointer, and none is that of no register.
const (
	zero = 31
	none = 32
)

// operation adds the order of memory accesses and the size of small ones to a name.
func operation(name string, word, acquire, release uint32) string {
	if acquire == 1 {
		name += "a"
	}
	if release == 1 {
		name += "l"
	}
	return name + [...]string{"b", "h", "", ""}[word>>30]
}

// registers writes the source, the target unless it is none, and the address.
func registers(word, target uint32) string {
	text := " " + register(word, word>>16&31) + ", "
	if target != none {
		text += register(word, target) + ", "
	}
	base := fmt.Sprintf("x%d", word>>5&31)
	if word>>5&31 == zero {
		base = "sp"
	}
	return text + "[" + base + "]"
}

// register writes a register as wide as the operation is.
func register(word, n uint32) string {
	kind := "w"
	if word>>30 == 3 {
		kind = "x"
	}
	if n == zero {
		return kind + "zr"
	}
	return fmt.Sprintf("%s%d", kind, n)
}

// systemRegister reads a move from one of the registers that the compiler uses.
func systemRegister(word uint32) string {
	name := ""
	switch word &^ 31 {
	case 0xd538d080:
		name = "tpidr_el1"
	case 0xd53cd040:
		name = "tpidr_el2"
	case 0xd5384100:
		name = "sp_el0"
	case 0xd53be040:
		name = "cntvct_el0"
	default:
		return ""
	}
	return fmt.Sprintf("mrs x%d, %s", word&31, name)
}
