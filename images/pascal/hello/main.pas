program Hello;

uses SysUtils;

const
  Names: array[0..2] of string = ('Ada', 'Grace', 'Jürgen');

function Greeting(const ToWhom: string): string;
begin
  Result := 'Hello, ' + ToWhom + '!';
end;

var
  I: Integer;
begin
  for I := 0 to 2 do
  begin
    if I > 0 then
      Write(' ');
    Write(Greeting(Names[I]));
  end;
  WriteLn;
  WriteLn('π ≈ ', FormatFloat('0.0000', Pi));
end.
