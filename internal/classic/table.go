package classic

import "strings"

// form is how an instruction's operand is written.
type form uint8

const (
	formNone     form = iota
	formAbsolute      // [k], or an extension
	formIndirect      // [x + k]
	formMemory        // M[k]
	formHex           // #k
	formSigned        // #k
	formDecimal       // #k
	formShift         // 4*([k]&0xf)
	formLength        // len
	formX             // x
	formA             // a
	formJump          // label
	formNumber        // #k or k
)

// op is one instruction of the assembler.
type op struct {
	code    uint16
	name    string
	form    form
	inverse bool // jumps if false
}

// ops has every spelling of every instruction. The first row with a code is how
// it is written.
var ops = [...]op{
	{code: LD | B | ABS, name: "ldb", form: formAbsolute},
	{code: LD | B | IND, name: "ldb", form: formIndirect},
	{code: LD | H | ABS, name: "ldh", form: formAbsolute},
	{code: LD | H | IND, name: "ldh", form: formIndirect},
	{code: LD | W | ABS, name: "ld", form: formAbsolute},
	{code: LD | W | IND, name: "ld", form: formIndirect},
	{code: LD | IMM, name: "ld", form: formHex},
	{code: LD | IMM, name: "ldi", form: formNumber},
	{code: LD | MEM, name: "ld", form: formMemory},
	{code: LD | W | LEN, name: "ld", form: formLength},
	{code: LDX | IMM, name: "ldx", form: formHex},
	{code: LDX | IMM, name: "ldxi", form: formNumber},
	{code: LDX | MEM, name: "ldx", form: formMemory},
	{code: LDX | W | LEN, name: "ldx", form: formLength},
	{code: LDX | B | MSH, name: "ldxb", form: formShift},
	{code: LDX | B | MSH, name: "ldx", form: formShift},
	{code: ST, name: "st", form: formMemory},
	{code: STX, name: "stx", form: formMemory},
	{code: JMP | JA, name: "ja", form: formJump},
	{code: JMP | JA, name: "jmp", form: formJump},
	{code: JMP | JEQ | K, name: "jeq", form: formHex},
	{code: JMP | JEQ | X, name: "jeq", form: formX},
	{code: JMP | JEQ | K, name: "jneq", form: formHex, inverse: true},
	{code: JMP | JEQ | X, name: "jneq", form: formX, inverse: true},
	{code: JMP | JEQ | K, name: "jne", form: formHex, inverse: true},
	{code: JMP | JEQ | X, name: "jne", form: formX, inverse: true},
	{code: JMP | JGT | K, name: "jgt", form: formHex},
	{code: JMP | JGT | X, name: "jgt", form: formX},
	{code: JMP | JGT | K, name: "jle", form: formHex, inverse: true},
	{code: JMP | JGT | X, name: "jle", form: formX, inverse: true},
	{code: JMP | JGE | K, name: "jge", form: formHex},
	{code: JMP | JGE | X, name: "jge", form: formX},
	{code: JMP | JGE | K, name: "jlt", form: formHex, inverse: true},
	{code: JMP | JGE | X, name: "jlt", form: formX, inverse: true},
	{code: JMP | JSET | K, name: "jset", form: formHex},
	{code: JMP | JSET | X, name: "jset", form: formX},
	{code: ALU | ADD | K, name: "add", form: formSigned},
	{code: ALU | ADD | X, name: "add", form: formX},
	{code: ALU | SUB | K, name: "sub", form: formSigned},
	{code: ALU | SUB | X, name: "sub", form: formX},
	{code: ALU | MUL | K, name: "mul", form: formDecimal},
	{code: ALU | MUL | X, name: "mul", form: formX},
	{code: ALU | DIV | K, name: "div", form: formDecimal},
	{code: ALU | DIV | X, name: "div", form: formX},
	{code: ALU | MOD | K, name: "mod", form: formDecimal},
	{code: ALU | MOD | X, name: "mod", form: formX},
	{code: ALU | AND | K, name: "and", form: formHex},
	{code: ALU | AND | X, name: "and", form: formX},
	{code: ALU | OR | K, name: "or", form: formHex},
	{code: ALU | OR | X, name: "or", form: formX},
	{code: ALU | XOR | K, name: "xor", form: formHex},
	{code: ALU | XOR | X, name: "xor", form: formX},
	{code: ALU | LSH | K, name: "lsh", form: formDecimal},
	{code: ALU | LSH | X, name: "lsh", form: formX},
	{code: ALU | RSH | K, name: "rsh", form: formDecimal},
	{code: ALU | RSH | X, name: "rsh", form: formX},
	{code: ALU | NEG, name: "neg"},
	{code: RET | K, name: "ret", form: formHex},
	{code: RET | A, name: "ret", form: formA},
	{code: RET | X, name: "ret", form: formX},
	{code: MISC | TAX, name: "tax"},
	{code: MISC | TXA, name: "txa"},
}

// find returns how an instruction is written, nil if there is none.
func find(code uint16) *op {
	for i := range ops {
		if ops[i].code == code {
			return &ops[i]
		}
	}
	return nil
}

// named returns the instruction that the word begins, with the form that its
// operand has, and nil if it has no such form.
func named(word string, f form) *op {
	for i := range ops {
		if strings.EqualFold(ops[i].name, word) && ops[i].form.takes(f) {
			return &ops[i]
		}
	}
	return nil
}

// takes reports whether an operand that was read as f can be written here.
func (want form) takes(f form) bool {
	switch want {
	case formSigned, formDecimal, formHex:
		return f == formHex
	case formNumber:
		return f == formHex || f == formNumber
	default:
		return want == f
	}
}

// mnemonic reports whether an instruction begins with the word.
func mnemonic(word string) bool {
	for i := range ops {
		if strings.EqualFold(ops[i].name, word) {
			return true
		}
	}
	return false
}

// operands lists what the word takes.
func operands(word string) string {
	var list []string
	for i := range ops {
		o := &ops[i]
		if !strings.EqualFold(o.name, word) {
			continue
		}
		s := forms[o.form]
		if o.code&7 == JMP && o.code&0xf0 != JA {
			s += ", label"
		}
		if o.form == formNone {
			s = "no operand"
		}
		list = append(list, s)
	}
	return strings.Join(list, " or ")
}

var forms = [...]string{
	formNone:     "",
	formAbsolute: "[k] or an extension",
	formIndirect: "[x + k]",
	formMemory:   "M[k]",
	formHex:      "#k",
	formSigned:   "#k",
	formDecimal:  "#k",
	formShift:    "4*([k]&0xf)",
	formLength:   "len",
	formX:        "x",
	formA:        "a",
	formJump:     "a label",
	formNumber:   "k",
}
