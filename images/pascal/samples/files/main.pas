program Files;

uses Numbers;

begin
  WriteLn(Six * Seven);
end.
