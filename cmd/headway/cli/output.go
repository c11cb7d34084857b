package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"
)

// Output is the value of --output: json, yaml or, for people, empty.
type Output string

// Flag adds --output to a command; Check says whether the value makes sense.
func (f *Output) Flag(c *cobra.Command) {
	c.Flags().StringVarP((*string)(f), "output", "o", "", "json or yaml: the API objects instead of a table")
	_ = c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"json", "yaml"}, cobra.ShellCompDirectiveNoFileComp))
}

func (f Output) Check() error {
	if f != "" && f != "json" && f != "yaml" {
		return Usagef("--output is json or yaml, not %q", string(f))
	}
	return nil
}

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
