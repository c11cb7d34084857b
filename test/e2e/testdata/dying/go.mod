module dying

go 1.26
