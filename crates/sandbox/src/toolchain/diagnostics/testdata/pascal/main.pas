program Main;

{ main.pas(99,1) Error: in a comment }
uses helper;

var
  S: string; N: Integer;
begin
  S := 'é'; N := S;
  Missing(1);
  WriteLn('main.pas(98,1) Error: in a string') WriteLn;
end.
