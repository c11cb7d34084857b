// Command park waits in a parked pod until it is woken, and becomes the
// application then: park COMMAND [ARGUMENT]...
package main

import (
	"os"

	"github.com/headway-dev/headway/scaler/park"
)

func main() {
	os.Exit(park.Run(os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}
