// Package stack makes room on the stack once, while there is next to nothing on it
// to be moved. What imports nothing is initialised in the order of the alphabet, so
// this is done before all that needs a package of "internal".
//
// Growing on demand doubles the stack and copies it at each step, takes memory of
// each size, and reads the tables of what is moved: about 20 page faults, and 4 % of
// the CPU time of a start.
package stack

var _ = grow(0)

//go:noinline
func grow(n int) byte {
	if n < 0 { // never: the frame is what matters, and is not even cleared
		var room [20 << 10]byte
		for i := range room {
			room[i] = byte(i * n)
		}
		return room[-n%len(room)]
	}
	return 0
}
