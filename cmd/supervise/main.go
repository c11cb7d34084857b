// Command supervise holds the listening sockets of a program and starts it
// again when it crashes: supervise ADDRESS... -- PROGRAM [ARGUMENT]...
package main

import (
	"os"
	"runtime"

	"github.com/headway-dev/headway/scaler/supervise"
)

// The child ends with the thread that has started it.
func init() { runtime.LockOSThread() }

func main() { os.Exit(supervise.Run(os.Args[1:], os.Stderr)) }
