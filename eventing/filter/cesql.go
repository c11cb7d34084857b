package filter

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/antlr/antlr4/runtime/Go/antlr"
	cesql "github.com/cloudevents/sdk-go/sql/v2"
	"github.com/cloudevents/sdk-go/sql/v2/gen"
	"github.com/cloudevents/sdk-go/sql/v2/parser"
	"github.com/cloudevents/sdk-go/sql/v2/runtime"
	"github.com/cloudevents/sdk-go/sql/v2/utils"
	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/cloudevents/sdk-go/v2/binding/spec"

	"github.com/headway-dev/headway/eventing/event"
)

// Bounds of an expression. LIKE can take as long as its text times its pattern,
// and CONCAT can make a text longer than any attribute: with these bounds, the
// worst expression takes a tenth of a second over the worst event.
const (
	// MaxExpression is the longest expression, in bytes, as in the kind.
	MaxExpression = 4096
	// MaxBrackets is how deep brackets may be nested: the parser takes seconds over
	// 4096 that are not closed.
	MaxBrackets = 50
	// MaxRead is how long the attributes that an expression reads may be together,
	// in bytes; it fails on an event with longer ones.
	MaxRead = 4096
	// MaxPatterns is how long all patterns of LIKE may be together, in bytes.
	MaxPatterns = 256
	// MaxConcat is how many arguments all calls of CONCAT and CONCAT_WS may have.
	MaxConcat = 8
)

// parsing: one expression is parsed at a time, as parsers of ANTLR share caches.
var parsing sync.Mutex

// expression is a part in CloudEvents SQL.
type expression struct {
	path   string
	parsed cesql.Expression
	// reads are the attributes that the expression names; extensions are those of
	// them that CloudEvents itself does not define.
	reads, extensions []string
	isFalse           string
}

func newExpression(path, text string) (part, *Problem) {
	if len(text) > MaxExpression {
		return nil, &Problem{Path: path, Reason: fmt.Sprintf("the expression is %d bytes long; it can be %d", len(text), MaxExpression)}
	}
	x := &expression{path: path, isFalse: path + ": the expression is false"}
	if err := x.parse(text); err != nil {
		return nil, &Problem{Path: path, Reason: err.Error()}
	}
	return x, nil
}

// parse looks at the expression with a parser of Headway's own first, for the
// places of errors and the bounds, and because that of the SDK panics for some
// errors and prints others.
func (x *expression) parse(text string) (err error) {
	parsing.Lock()
	defer parsing.Unlock()
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the expression cannot be read: %v", r)
		}
	}()
	found := &syntaxErrors{}
	lexer := gen.NewCESQLParserLexer(parser.NewCaseChangingStream(antlr.NewInputStream(text), true))
	lexer.RemoveErrorListeners()
	lexer.AddErrorListener(found)
	tokens := antlr.NewCommonTokenStream(lexer, antlr.TokenDefaultChannel)
	if tokens.Fill(); found.first == nil {
		found.first = tooDeep(tokens.GetAllTokens())
	}
	if found.first != nil {
		return found.first
	}
	tree := gen.NewCESQLParserParser(tokens)
	tree.RemoveErrorListeners()
	tree.AddErrorListener(found)
	root := tree.Cesql()
	if found.first != nil {
		return found.first
	}
	var used usage
	if err := used.walk(root); err != nil {
		return err
	}
	x.reads = used.attributes
	for _, name := range x.reads {
		if spec.V1.Attribute(name) == nil {
			x.extensions = append(x.extensions, name)
		}
	}
	x.parsed, err = parser.Parse(text)
	return err
}

func tooDeep(tokens []antlr.Token) error {
	depth := 0
	for _, token := range tokens {
		switch token.GetTokenType() {
		case gen.CESQLParserLexerLR_BRACKET:
			depth++
		case gen.CESQLParserLexerRR_BRACKET:
			depth--
		}
		if depth > MaxBrackets {
			return at(token, fmt.Sprintf("brackets can be nested %d deep", MaxBrackets))
		}
	}
	return nil
}

// syntaxErrors keeps the first error of a parser.
type syntaxErrors struct {
	antlr.DefaultErrorListener
	first error
}

func (s *syntaxErrors) SyntaxError(_ antlr.Recognizer, _ any, line, column int, message string, _ antlr.RecognitionException) {
	if s.first == nil {
		s.first = problemAt(line, column, message)
	}
}

func at(token antlr.Token, message string) error {
	return problemAt(token.GetLine(), token.GetColumn(), message)
}

// problemAt is an error with its place; columns of ANTLR begin with 0.
func problemAt(line, column int, message string) error {
	return fmt.Errorf("line %d, column %d: %s", line, column+1, message)
}

// usage is what an expression uses.
type usage struct {
	attributes       []string
	patterns, concat int
}

func (u *usage) walk(tree antlr.Tree) error {
	switch node := tree.(type) {
	case *gen.LikeExpressionContext:
		if u.patterns += len(node.StringLiteral().GetText()) - len("''"); u.patterns > MaxPatterns {
			return fmt.Errorf("the patterns of LIKE can be %d bytes long together", MaxPatterns)
		}
	case *gen.FunctionInvocationExpressionContext:
		name := strings.ToUpper(node.FunctionIdentifier().GetText())
		arguments := len(node.FunctionParameterList().(*gen.FunctionParameterListContext).AllExpression())
		if runtime.ResolveFunction(name, arguments) == nil {
			return at(node.GetStart(), fmt.Sprintf("there is no function %s with %d arguments", name, arguments))
		}
		if strings.HasPrefix(name, "CONCAT") {
			if u.concat += arguments; u.concat > MaxConcat {
				return fmt.Errorf("all CONCAT and CONCAT_WS together can have %d arguments", MaxConcat)
			}
		}
	case *gen.IntegerLiteralContext:
		if _, err := strconv.ParseInt(node.GetText(), 10, 32); err != nil {
			return at(node.GetStart(), node.GetText()+" is no number of 32 bits")
		}
	case *gen.IdentifierContext:
		name := strings.ToLower(node.GetText())
		if !slices.Contains(u.attributes, name) {
			u.attributes = append(u.attributes, name)
		}
	}
	for _, child := range tree.GetChildren() {
		if err := u.walk(child); err != nil {
			return err
		}
	}
	return nil
}

func (x *expression) match(e *event.Event) Verdict {
	value, err := x.evaluate(e)
	switch {
	case err != nil:
		return Verdict{Reason: x.path + ": " + err.Error()}
	case !value:
		return Verdict{Reason: x.isFalse}
	}
	return matches
}

// evaluate never panics: a mistake of the SDK must not end the deliveries of all
// others.
func (x *expression) evaluate(e *event.Event) (value bool, err error) {
	defer func() {
		if recover() != nil {
			value, err = false, errors.New("the expression fails on this event")
		}
	}()
	size := 0
	for _, name := range x.reads {
		text, _ := e.Get(name)
		size += len(text)
	}
	if size > MaxRead {
		return false, fmt.Errorf("the attributes that the expression reads are longer than %d bytes", MaxRead)
	}
	result, err := x.parsed.Evaluate(x.view(e))
	if err != nil {
		return false, err
	}
	result, err = utils.Cast(result, cesql.BooleanType)
	if err != nil {
		return false, err
	}
	return result.(bool), nil
}

// view is the event as the SDK sees it.
func (x *expression) view(e *event.Event) cloudevents.Event {
	return cloudevents.Event{Context: &attributes{event: e, wanted: x.extensions}}
}

func (*expression) exactType() (string, bool) { return "", false }
