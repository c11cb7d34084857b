package main

// headwaySteps install Headway on the running cluster.
func headwaySteps() []step { return nil }
