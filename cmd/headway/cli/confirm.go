package cli

import (
	"bufio"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// Yes is the flag --yes of a command that asks before it does something.
type Yes bool

// Flag adds --yes to a command.
func (y *Yes) Flag(c *cobra.Command) {
	c.Flags().BoolVarP((*bool)(y), "yes", "y", false, "do not ask")
}

// Confirm asks a person, and returns an error unless the answer is yes. Where
// nobody can answer, --yes has to be given; does is what the command does, such
// as "this pushes the commit".
func (y Yes) Confirm(s Streams, question, does string) error {
	if y {
		return nil
	}
	if !IsTerminal(s.In) {
		return Usagef("%s; give --yes to do so without being asked", does)
	}
	_, _ = fmt.Fprintf(s.Err, "%s [y/N] ", question)
	answer, _ := bufio.NewReader(s.In).ReadString('\n')
	if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
		return errors.New("nothing is changed")
	}
	return nil
}
