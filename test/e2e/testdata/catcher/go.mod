module example.com/catcher

go 1.26
