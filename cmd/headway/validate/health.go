package validate

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// healthPaths are the usual names of a health check, the one that tells most
// about an app first.
var healthPaths = []string{"/readyz", "/healthz", "/health", "/livez"}

// routeMethods register a handler for a pattern, in net/http and in the usual
// routers: the pattern is an argument before the handler.
var routeMethods = []string{"Handle", "HandleFunc", "Get", "GET", "Any", "Method", "MethodFunc"}

// prefixMethods give routers whose patterns are not the paths of requests.
var prefixMethods = []string{"Group", "Route", "Mount", "PathPrefix", "Subrouter", "StripPrefix"}

// partTypes are the types of parameters that may be a part of a router.
var partTypes = []string{"Router", "IRouter", "IRoutes", "RouterGroup", "Group"}

// healthRoute finds the health check among the routes that a Go file registers;
// "" where there is none, and where its path is not sure. A mention is no
// route: it may be a request to another app.
func healthRoute(source []byte) string {
	file, _ := parser.ParseFile(token.NewFileSet(), "", source, parser.SkipObjectResolution)
	if file == nil {
		return ""
	}
	partial := partialRouters(file)
	found := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			return !slices.Contains(prefixMethods, method(n))
		case *ast.ExprStmt: // a client uses what it gets
			for call, ok := n.X.(*ast.CallExpr); ok; call, ok = receiver(call).(*ast.CallExpr) {
				if pattern := registered(call); pattern != "" && !partial[root(call)] {
					found[pattern] = true
				}
			}
		}
		return true
	})
	for _, path := range healthPaths {
		if found[path] {
			return path
		}
	}
	return ""
}

// registered is the path in the pattern of a route, if the call registers one.
func registered(call *ast.CallExpr) string {
	if !slices.Contains(routeMethods, method(call)) || len(call.Args) < 2 {
		return ""
	}
	for _, arg := range call.Args[:len(call.Args)-1] {
		literal, ok := arg.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			continue
		}
		if text, err := strconv.Unquote(literal.Value); err == nil && text != "GET" {
			return strings.TrimPrefix(text, "GET ")
		}
	}
	return ""
}

// partialRouters are the variables of a file that hold, or may hold, a router
// behind a prefix.
func partialRouters(file *ast.File) map[string]bool {
	partial := map[string]bool{}
	mark := func(e ast.Expr) {
		if name, ok := e.(*ast.Ident); ok {
			partial[name.Name] = true
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if slices.ContainsFunc(n.Rhs, prefixed) {
				for _, left := range n.Lhs {
					mark(left)
				}
			}
		case *ast.CallExpr:
			if slices.Contains(prefixMethods, method(n)) {
				for _, arg := range n.Args {
					mark(arg)
				}
			}
		case *ast.FuncType:
			for _, field := range n.Params.List {
				if slices.Contains(partTypes, typeName(field.Type)) {
					for _, name := range field.Names {
						mark(name)
					}
				}
			}
		}
		return true
	})
	return partial
}

// prefixed reports whether an expression makes a router behind a prefix.
func prefixed(e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	return ok && (slices.Contains(prefixMethods, method(call)) || prefixed(receiver(call)))
}

// method is the name of a function behind a dot, such as HandleFunc.
func method(call *ast.CallExpr) string {
	if selector, ok := call.Fun.(*ast.SelectorExpr); ok {
		return selector.Sel.Name
	}
	return ""
}

// receiver is what stands before the dot; nil when there is none.
func receiver(call *ast.CallExpr) ast.Expr {
	if selector, ok := call.Fun.(*ast.SelectorExpr); ok {
		return selector.X
	}
	return nil
}

// root is the variable or package that a chain of calls and fields begins with.
func root(call *ast.CallExpr) string {
	for e := receiver(call); ; {
		switch x := e.(type) {
		case *ast.Ident:
			return x.Name
		case *ast.SelectorExpr:
			e = x.X
		case *ast.CallExpr:
			e = receiver(x)
		default:
			return ""
		}
	}
}

// typeName is the last part of a type's name, behind pointers.
func typeName(e ast.Expr) string {
	switch x := e.(type) {
	case *ast.StarExpr:
		return typeName(x.X)
	case *ast.SelectorExpr:
		return x.Sel.Name
	case *ast.Ident:
		return x.Name
	}
	return ""
}
