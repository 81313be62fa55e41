package classic

import (
	"errors"
	"math/rand/v2"
	"testing"

	"golang.org/x/sys/unix"
)

// TestCheckKernel has the kernel say whether the check is right: of every
// instruction there is, and of programs at random.
func TestCheckKernel(t *testing.T) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	compare := func(program ...Instruction) {
		t.Helper()
		filter := make([]unix.SockFilter, len(program))
		for at, i := range program {
			filter[at] = unix.SockFilter{Code: i.Code, Jt: i.JT, Jf: i.JF, K: i.K}
		}
		err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]})
		if err != nil && !errors.Is(err, unix.EINVAL) {
			t.Fatal(err)
		}
		if cause := Check(program); (cause == nil) != (err == nil) {
			t.Errorf("%s: %v, the kernel: %v", Format(program), cause, err)
		}
	}
	end := Instruction{Code: RET}
	var codes []uint16
	for code := range uint16(0x200) {
		compare(Instruction{Code: code, K: 1}, end, end, end)
		if find(code) != nil {
			codes = append(codes, code)
		}
	}
	for code := uint32(0x200); code <= 0xffff; code += 0x101 {
		compare(Instruction{Code: uint16(code), K: 1}, end, end, end)
	}
	for offset := range uint32(128) {
		compare(Instruction{Code: LD | ABS, K: 0xfffff000 - 8 + offset}, end)
	}
	numbers := []uint32{0, 1, 2, 3, 15, 16, 31, 32, 1 << 31, 0xffffffff}
	random := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		program := make([]Instruction, 1+random.IntN(8))
		for at := range program {
			program[at] = Instruction{
				Code: codes[random.IntN(len(codes))],
				JT:   uint8(random.IntN(4)), JF: uint8(random.IntN(4)), K: numbers[random.IntN(len(numbers))],
			}
			if random.IntN(3) == 0 {
				program[at].Code = ST
				program[at].K %= 4
			}
		}
		if random.IntN(4) > 0 {
			program[len(program)-1] = end
		}
		compare(program...)
	}
}
