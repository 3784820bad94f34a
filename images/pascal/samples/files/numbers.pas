unit Numbers;

interface

const
  Six = 6;

function Seven: Integer;

implementation

function Seven: Integer;
begin
  Result := 7;
end;

end.
