// Imports is what a program costs that is linked with the libraries of xdpload,
// and calls none of them: their initialisation.
package main

import (
	"fmt"

	_ "github.com/xdpload/xdpload"
)

func main() { fmt.Println("hello, world") }
