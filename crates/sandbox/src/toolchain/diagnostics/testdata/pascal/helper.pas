unit helper;

interface

function F(X: Integer): Integer;

implementation

function F(X: Integer): Integer;
var
  Unused: Integer;
begin
  F := X + 1;
end;

end.
