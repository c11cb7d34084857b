package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"
)

// Output is the value of --output: json, yaml or, for people, empty.
type Output string

// Flag adds --output to a command.
func (f *Output) Flag(c *cobra.Command) {
	c.Flags().VarP(f, "output", "o", "json or yaml, for programs")
	_ = c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"json", "yaml"}, cobra.ShellCompDirectiveNoFileComp))
}

// String is the format, as a flag wants it.
func (f *Output) String() string { return string(*f) }

// Set takes the value of the flag.
func (f *Output) Set(value string) error {
	if value != "json" && value != "yaml" {
		return errors.New("it is json or yaml")
	}
	*f = Output(value)
	return nil
}

// Type is the word for the value in the help.
func (f *Output) Type() string { return "format" }

// Print writes document in the format, or, for people, what text writes. All
// of it goes out in one write, whose error says what is missing.
func (f Output) Print(w io.Writer, document any, text func(io.Writer)) error {
	var b strings.Builder
	switch f {
	case "json":
		encoder := json.NewEncoder(&b)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(document); err != nil {
			return fmt.Errorf("encoding: %w", err)
		}
	case "yaml":
		data, err := yaml.Marshal(document)
		if err != nil {
			return fmt.Errorf("encoding: %w", err)
		}
		b.Write(data)
	default:
		text(&b)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("printing: %w", err)
	}
	return nil
}
