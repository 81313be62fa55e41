// Package start makes a start cheap. What imports next to nothing is initialised
// before all that needs a package of "internal", so this is done before that.
//
// The stack gets its room once, while there is next to nothing on it to be moved.
// Growing on demand doubles it and copies it at each step, takes memory of each size,
// and reads the tables of what is moved: about 20 page faults, and 4 % of the CPU time
// of a start.
//
// And Go uses one processor. With more it wakes a thread, which looks for work,
// whenever there might be some: 6 % of the CPU time of a start. Threads that wait for
// the kernel do not count, so programs are verified side by side nevertheless; who has
// work in Go for all processors calls [runtime.SetDefaultGOMAXPROCS].
package start

import "runtime"

var _, _ = grow(0), runtime.GOMAXPROCS(1)

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
